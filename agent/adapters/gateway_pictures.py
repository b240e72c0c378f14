"""Has pictures made by an image model behind the gateway."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.errors import ModelUnavailable
from agent.ports import Picture
from gateway_client.errors import GatewayError
from gateway_client.media import images

if TYPE_CHECKING:
    from gateway_client.client import GatewayClient


class GatewayPictures:
    """An Illustrator whose every call goes through the gateway, and into its ledger."""

    def __init__(self, client: GatewayClient, model: str) -> None:
        self._client = client
        self._model = model

    async def picture(self, prompt: str) -> Picture:
        """Return a picture of the prompt; raise ModelUnavailable if there is none to be had."""
        try:
            made = await images(self._client, prompt, model=self._model)
        except GatewayError as error:
            raise ModelUnavailable(str(error)) from error
        return Picture(made[0].data, made[0].kind, self._model)
