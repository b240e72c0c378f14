"""Takes keys out of what endpoints say, who may quote them back at us, plain or encoded."""

from __future__ import annotations

import base64
import html
import json
import re
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, unquote, urlsplit
from urllib.request import getproxies

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from gateway_client.catalog import Endpoint

LARGEST: Final = 4_000_000
"""Bytes of an answer that are looked through: what is larger is a film or a picture."""
SHORTEST: Final = 8
"""Characters of a secret that is looked for: what is shorter, such as the "none" that local servers
are given, is none and stands in many words."""
PROXY: Final = "proxy-password"


class Redaction:
    """Puts labels in the place of secrets."""

    def __init__(self, secrets: Mapping[str, str]) -> None:
        """Take the label of each secret."""
        kept = ((said, label) for said, label in secrets.items() if len(said) >= SHORTEST)
        forms = {form: label for said, label in kept for form in _forms(said)}
        longest_first = sorted(forms, key=len, reverse=True)
        self._labels = forms
        self._pattern = re.compile("|".join(map(re.escape, longest_first))) if forms else None
        self._octets = tuple(form.encode() for form in longest_first)

    @classmethod
    def of(cls, endpoints: Iterable[Endpoint]) -> Redaction:
        """Return what redacts the keys of these endpoints, and the passwords of proxies."""
        keys = {key.secret: key.label for endpoint in endpoints for key in endpoint.keys}
        return cls(dict(_proxy_secrets()) | keys)

    def text(self, text: str) -> str:
        """Return a text without secrets."""
        if self._pattern is None:
            return text
        return self._pattern.sub(lambda found: self._labels[found[0]], text)

    def body(self, body: bytes) -> bytes:
        """Return a body without secrets; most hold none, and are returned as they are."""
        if len(body) > LARGEST or not any(octets in body for octets in self._octets):
            return body
        return self.text(body.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")


def _forms(secret: str) -> Iterator[str]:
    """Yield a secret as it may stand in JSON, in addresses, in HTML."""
    escaped = json.dumps(secret)[1:-1]
    percent = quote(secret, safe="")
    yield from (secret, escaped, escaped.replace("/", "\\/"), html.escape(secret))
    yield from (percent, quote(secret), re.sub("%..", lambda code: code[0].lower(), percent))
    yield re.sub(r"[^A-Za-z0-9]", lambda odd: f"\\u{ord(odd[0]):04x}", secret)


def _proxy_secrets() -> Iterator[tuple[str, str]]:
    """Yield the passwords in the addresses of proxies, also as the header has them."""
    for address in getproxies().values():
        url = urlsplit(address)
        if url.password:
            user, password = unquote(url.username or ""), unquote(url.password)
            yield password, PROXY
            yield base64.b64encode(f"{user}:{password}".encode()).decode(), PROXY
