"""``python -m gateway_client``: the gateway's commands."""

from gateway_client.commands import gateway

if __name__ == "__main__":
    gateway(prog_name="python -m gateway_client")
