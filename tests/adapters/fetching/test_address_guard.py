from collections.abc import Sequence

import pytest

from agent.adapters.fetching.address_guard import AddressGuard, is_public, system_resolve
from agent.errors import AddressRefused, PageUnreadable


async def public(host: str) -> Sequence[str]:
    return ["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946"]


GUARD = AddressGuard(resolve=public)

PRIVATE = """
    127.0.0.1 127.8.9.10 0.0.0.0 10.1.2.3 172.20.0.1 192.168.7.7 169.254.169.254 100.64.0.1
    192.0.0.1 192.0.0.250 192.88.99.1 198.18.0.1 203.0.113.5 224.0.0.1 240.0.0.1 255.255.255.255
    168.63.129.16 ::1 :: fe80::1 fe80::1%eth0 fc00::1 fd12:3456::1 ff02::1 fec0::1 100::1
    ::ffff:10.0.0.1 ::127.0.0.1 ::ffff:0:127.0.0.1 64:ff9b::10.0.0.1 64:ff9b:1::1 2001::1
    2001:db8::1 2002:0a00:0001:: 3fff::1 5f00::1 not-an-address
""".split()


@pytest.mark.parametrize("address", PRIVATE)
def test_an_address_that_is_not_of_the_public_internet_is_told(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "address",
    ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "192.0.1.1"],
)
def test_a_public_address_is_told(address: str) -> None:
    assert is_public(address)


REFUSED = [
    "ftp://example.org/a",
    "file:///etc/hostname",
    "gopher://example.org",
    "//example.org/a",
    "http:/example.org",
    "http:example.org",
    "http://",
    "https:///path",
    "http://:8080/",
    "",
    "http://user:secret@example.org/",
    "http://user@example.org/",
    "http://example.org\\@10.0.0.1/",
    "http://10.0.0.1\\.example.org/",
    "http://exa mple.org/",
    "http://example.org\r\nX: y/",
    "http://example.org/\x00",
    "http://%31%30.0.0.1/",
    "http://example.org%2f@10.0.0.1/",
    "http://example.org:22/",
    "http://example.org:0/",
    "http://kubernetes.default.svc/",
    f"http://example.org/{'a' * 8000}",
    "http://example.org:70000/",
    "http://example.org:1:2/",
    "http://example.org:\uff18\uff10/",
    "http://10.0.0.1/",
    "http://10.0.0.1./",
    "http://[::1]/",
    "http://[::1",
    "http://[fe80::1%25eth0]/",
    "http://167772161/",
    "http://0xa000001/",
    "http://0xa.0x0.0x0.0x1/",
    "http://012.0.0.1/",
    "http://10.1/",
    "http://1.2.3.999/",
    "http://\u2460\u2461.0.0.1/",
    "http://\u0661\u0660.0.0.1/",
    "http://localhost/",
    "http://LOCALHOST./",
    "http://printer.local/",
    "http://wiki.corp/",
    "http://db.prod.internal/",
    "http://intranet/",
    "http://-example.org/",
    "http://a..org/",
    f"http://{'a' * 64}.org/",
    f"http://{'a.' * 130}org/",
]


@pytest.mark.parametrize("url", REFUSED)
def test_an_address_of_a_dishonest_or_private_form_is_refused_unresolved(url: str) -> None:
    with pytest.raises(AddressRefused):
        GUARD.checked(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://example.org/",
        "http://EXAMPLE.org./a@b?c=d e#f",
        "https://example.org:8443/",
        "http://b\u00fccher.example.org/",
        "https://xn--bcher-kva.example.org/",
        "https://8.8.8.8/",
        "https://[2606:4700::1111]/",
        "https://127.0.0.1.example.org/",
        "https://0xa.example.org/",
        "https://under_score.example.org/",
    ],
)
def test_an_honest_public_address_passes(url: str) -> None:
    assert GUARD.checked(url).host


async def test_a_host_is_refused_if_one_of_its_addresses_is_private() -> None:
    async def mixed(host: str) -> Sequence[str]:
        return ["93.184.216.34", "::ffff:127.0.0.1"]

    with pytest.raises(AddressRefused, match="is at ::ffff:127"):
        await AddressGuard(resolve=mixed).addresses("example.org", 443)


async def test_a_host_without_addresses_is_refused() -> None:
    async def none(host: str) -> Sequence[str]:
        return []

    with pytest.raises(AddressRefused, match="no address"):
        await AddressGuard(resolve=none).addresses("example.org", 443)


async def test_a_host_that_does_not_resolve_is_unreadable() -> None:
    async def fails(host: str) -> Sequence[str]:
        raise OSError("unknown")

    with pytest.raises(PageUnreadable, match="does not resolve"):
        await AddressGuard(resolve=fails).addresses("example.org", 443)


async def test_all_addresses_of_a_public_host_are_tried_each_once() -> None:
    async def twice(host: str) -> Sequence[str]:
        return ["93.184.216.34", "8.8.8.8", "93.184.216.34"]

    found = await AddressGuard(resolve=twice).addresses("example.org", 443)
    assert found == ("93.184.216.34", "8.8.8.8")


async def test_a_host_the_user_allows_may_be_private_but_only_at_its_port() -> None:
    guard = AddressGuard(frozenset({"localhost:9000", "[::1]:9000"}))
    assert guard.checked("http://localhost:9000/").port == 9000
    assert guard.checked("http://[::1]:9000/").port == 9000
    assert await guard.addresses("localhost", 9000) == ("localhost",)
    assert await guard.addresses("::1", 9000) == ("::1",)
    with pytest.raises(AddressRefused):
        guard.checked("http://localhost:8080/")


async def test_the_system_resolver_knows_localhost() -> None:
    assert set(await system_resolve("localhost")) <= {"127.0.0.1", "::1"}
