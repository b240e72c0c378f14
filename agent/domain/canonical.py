"""Makes one key of all addresses of the same page: to compare by, never to request."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final
from urllib.parse import SplitResult, quote, unquote_plus, urlsplit

ARXIV: Final = "https://arxiv.org/abs/"
DOI: Final = "https://doi.org/"
PUBMED: Final = "https://pubmed.ncbi.nlm.nih.gov/"
PMC: Final = "https://pmc.ncbi.nlm.nih.gov/articles/"

TRACKING_PREFIXES: Final = (
    "utm_", "mtm_", "pk_", "piwik_", "matomo_", "hsa_", "stm_", "ga_", "guce_", "at_",
)  # fmt: skip
TRACKING: Final = frozenset(
    "gclid gclsrc dclid gbraid wbraid fbclid msclkid yclid ysclid twclid ttclid li_fat_id igshid "
    "igsh mc_cid mc_eid mkt_tok _ga _gl _hsenc _hsmi hsctatracking vero_id vero_conv oly_enc_id "
    "oly_anon_id spm scm ref ref_ ref_src ref_url referer referrer cmpid cmp ncid s_cid s_kwcid "
    "sr_share smid trk trkcampaign trackingid icid cid_source guccounter xtor wt_mc wt.mc_id "
    "_branch_match_id epik rdt_cid sc_campaign srsltid amp outputtype fb_action_ids "
    "fb_action_types fb_source share_source phpsessid jsessionid".split()
)
"""Parameters that say who sent the reader, in lower case; ``source``, ``id`` and ``page`` stay."""

_EMPTY_SEGMENTS: Final = frozenset(
    ["", *(f"{name}.{ending}" for name in ("index", "default")
           for ending in ("html", "htm", "php", "asp", "aspx", "jsp"))]
)  # fmt: skip
AMP_DEPTH: Final = 3
"""``/amp`` below two segments is a lighter edition; ``/wiki/amp`` is a page of its own."""

_OTHER_DRESS: Final = re.compile(r"^(?:www\d?|m|mobile|amp)\.(?=[^.]+\.[^.])")
_MOBILE_WIKI: Final = re.compile(r"(?<=\.)m\.(?=wik[a-z]+\.org$)")
_COPIES: Final = re.compile(
    r"(?:google\.[a-z]{2,3}(?:\.[a-z]{2})?/amp/(?:s/)?"
    r"|[^/]+\.cdn\.ampproject\.org/[a-z]/(?:s/)?"
    r"|web\.archive\.org/web/\d+[a-z_]*/(?:https?:/+)?)(?=[^/])"
)
_ESCAPE: Final = re.compile(r"%(?:[0-9A-Fa-f]{2})?")
_SESSION: Final = re.compile(r";jsessionid=[^/]*", re.IGNORECASE)

_ARXIV_NUMBER: Final = r"(?P<arxiv>\d{4}\.\d{4,5}|[a-z-]{2,12}(?:\.[a-z]{2})?/\d{7})(?:v\d+)?"
_DOI_NAME: Final = r"(?P<doi>10\.\d{4,9}(?:\.\d+)*/.+)"
_ARXIV_HOSTS: Final = r"(?:(?:[a-z]+\.)?arxiv\.org|ar5iv(?:\.labs\.arxiv)?\.org|alphaxiv\.org)"
_PMC_NUMBER: Final = r"(?P<pmc>pmc\d+)(?:/.*)?"
_PUBMED: Final = (
    r"(?:pubmed\.ncbi\.nlm\.nih\.gov|ncbi\.nlm\.nih\.gov/pubmed"
    r"|europepmc\.org/(?:article|abstract)/med)"
)
_WORKS: Final = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"{_ARXIV_HOSTS}/(?:abs|pdf|html|format|ps|src|e-print)/{_ARXIV_NUMBER}(?:\.pdf)?",
        rf"huggingface\.co/papers/{_ARXIV_NUMBER}",
        rf"(?:dx\.)?doi\.org/(?:doi:)?{_DOI_NAME}",
        rf"[^/]+/doi/(?:(?:abs|full|pdf|epdf|pdfdirect|pdfplus|reader|book)/)?{_DOI_NAME}",
        rf"{_PUBMED}/(?P<pmid>\d{{1,9}})",
        rf"(?:pmc\.ncbi\.nlm\.nih\.gov|ncbi\.nlm\.nih\.gov/pmc)/articles/{_PMC_NUMBER}",
        rf"europepmc\.org/(?:article/pmc|articles)/{_PMC_NUMBER}",
    )
)
_NAMED: Final = re.compile(rf"(?:doi:\s*{_DOI_NAME}|arxiv:\s*{_ARXIV_NUMBER})", re.IGNORECASE)
_ARXIV_DOI: Final = re.compile(rf"10\.48550/arxiv\.{_ARXIV_NUMBER}", re.IGNORECASE)


@lru_cache(maxsize=8_192)
def canonical(url: str) -> str:
    """Return the key of an address; what is no web address or identifier comes back trimmed.

    Follows RFC 3986, section 6.2, and goes on where a reader would: the scheme, ``www.``,
    tracking parameters, an AMP or archived copy make no other page. Editions of a preprint at
    arXiv, DOI resolvers, PubMed and PMC have one key each.
    """
    url = url.strip()
    if named := _NAMED.fullmatch(url):
        return _key_of_work(named)
    while True:
        split = _split(url)
        host = _host(split) if split else ""
        if not split or not host:
            return url
        path = _path(split.path)
        copy = _COPIES.match(host + path)
        if copy is None:
            break
        url = f"https://{(host + path)[copy.end() :]}" + (split.query and f"?{split.query}")
    for pattern in _WORKS:
        if work := pattern.fullmatch(host + _plain(path)):
            return _key_of_work(work)
    query = _query(split.query)
    return f"https://{host}{path}" + (query and f"?{query}")


def site(url: str) -> str:
    """Return the host of a web address as compared, empty for anything else."""
    key = canonical(url)
    return urlsplit(key).netloc if key.startswith("https://") else ""


def doi_key(doi: str) -> str:
    """Return the key of a DOI."""
    name = _path(_plain(_path(f"/{doi.strip()}"))).removeprefix("/").lower()
    preprint = _ARXIV_DOI.fullmatch(name)
    return arxiv_key(preprint["arxiv"]) if preprint else DOI + name


def arxiv_key(arxiv_id: str) -> str:
    """Return the key of an arXiv id, with or without a version."""
    return ARXIV + re.sub(r"v\d+$", "", arxiv_id.strip().lower())


def pmid_key(pmid: str) -> str:
    """Return the key of a PubMed id."""
    return PUBMED + pmid.strip()


def _key_of_work(match: re.Match[str]) -> str:
    found = {name: value for name, value in match.groupdict().items() if value}
    if arxiv := found.get("arxiv"):
        return arxiv_key(arxiv)
    if doi := found.get("doi"):
        return doi_key(doi)
    return pmid_key(found["pmid"]) if "pmid" in found else PMC + found["pmc"].upper()


def _split(url: str) -> SplitResult | None:
    """Return the parts of a web address, or None if it is none."""
    try:
        split = urlsplit(f"https:{url}" if url.startswith("//") else url)
        _ = split.port
    except ValueError:  # a port or an IPv6 address that is none: no page has that address
        return None
    return split if split.scheme in {"http", "https"} else None


def _host(split: SplitResult) -> str:
    host = (split.hostname or "").strip(".")
    if not host.isascii():
        try:
            host = host.encode("idna").decode("ascii")
        except UnicodeError:  # a label too long or of no script: compared as it stands
            host = _escaped(host, "")
    while (bare := _MOBILE_WIKI.sub("", _OTHER_DRESS.sub("", host))) != host:
        host = bare
    if ":" in host:
        host = f"[{host}]"
    return host if split.port in {None, 80, 443} or not host else f"{host}:{split.port}"


def _path(path: str) -> str:
    """Return a path without dot segments, session, and the names of what stands there anyway."""
    kept: list[str] = []
    for segment in _SESSION.sub("", _escaped(path, "/!$&'()*+,;=:@")).split("/"):
        if segment == "..":
            del kept[max(1, len(kept) - 1) :]
        elif segment != ".":
            kept.append(segment)
    while kept and (
        kept[-1].lower() in _EMPTY_SEGMENTS or (kept[-1] == "amp" and len(kept) > AMP_DEPTH)
    ):
        kept.pop()
    return "/".join(kept)


def _plain(path: str) -> str:
    """Return a path as it is read in a DOI, whose own slashes and brackets need no escape."""
    for escape, character in (("%2F", "/"), ("%28", "("), ("%29", ")"), ("%3A", ":"), ("%3B", ";")):
        path = path.replace(escape, character)
    return path


def _query(query: str) -> str:
    pieces = sorted(
        _escaped(piece.replace("+", "%20"), "!$'()*,;:@/?=") for piece in query.split("&")
    )
    return "&".join(dict.fromkeys(piece for piece in pieces if piece and not _tracks(piece)))


def _tracks(piece: str) -> bool:
    name = unquote_plus(piece.partition("=")[0]).lower()
    return name in TRACKING or name.startswith(TRACKING_PREFIXES)


def _escaped(text: str, safe: str) -> str:
    """Percent-encode what must be, and only that (RFC 3986, 6.2.2.1 and 6.2.2.2)."""
    marked = _ESCAPE.sub(lambda match: _octet(match[0]), text)
    return quote(marked, safe=f"{safe}%~", errors="surrogatepass")


def _octet(escape: str) -> str:
    if escape == "%":
        return "%25"
    character = chr(int(escape[1:], 16))
    return (
        character
        if character.isascii() and (character.isalnum() or character in "-._~")
        else escape.upper()
    )
