"""Bodies are read as the standard library reads them, only faster."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_client import wire

TEXTS = st.text(st.characters())  # with half surrogate pairs, as models do write them
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS,
    lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner),
    max_leaves=12,
)


@given(payload=st.dictionaries(TEXTS, VALUES), ascii_only=st.booleans())
def test_what_was_written_is_read(payload: dict[str, object], *, ascii_only: bool) -> None:
    text = json.dumps(payload, ensure_ascii=ascii_only)
    try:
        body = text.encode()
    except UnicodeEncodeError:
        body = json.dumps(payload).encode()
    assert wire.payload_of(body) == payload
    assert wire.payload_of(b"\xef\xbb\xbf" + body) == payload


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"nothing", b'{"a": 1', b'{"a": "\xff"}', b"[" * 100_000, b'{"a": 1} {}', b"1"],
)
def test_what_is_no_object_is_none(body: bytes) -> None:
    assert wire.payload_of(body) is None


def test_deep_objects_are_read_as_far_as_the_standard_library_reads_them() -> None:
    deep = b'{"a":' * 400 + b"1" + b"}" * 400
    assert wire.payload_of(deep) == json.loads(deep)
