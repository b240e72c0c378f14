"""Finds the identifiers of works in addresses and texts, and writes each in one way."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import quote, unquote

LONGEST: Final = 500
"""Characters after a DOI's prefix; the longest that are registered have about 300."""
_STRAY: Final = ".,;:!?'\"*“”’»|\\…。，；、"
"""What a sentence puts after an identifier."""
_BRACKETS: Final = {")": "(", "]": "[", "}": "{", ">": "<"}

_RESOLVER: Final = re.compile(
    r"(?:https?://(?:dx\.|www\.)?doi\.org/|doi\.org/)?(?:doi:\s*)?", re.IGNORECASE
)
_NAME: Final = r"10\.\d{4,9}(?:\.\d+)*/"
_DOI_ALONE: Final = re.compile(rf"{_NAME}\S{{1,{LONGEST}}}")
_DOI_WITHIN: Final = re.compile(rf"(?<![\w.]){_NAME}[^\s\"<>“”]{{1,{LONGEST}}}")
_ADDRESS: Final = re.compile(r"https?://\S+", re.IGNORECASE)
_EDITION: Final = re.compile(
    r"(?:/(?:full|fulltext|abstract|summary|pdf|epdf|html|meta)|(?:\.full)?\.pdf)+$", re.IGNORECASE
)
"""What publishers append to a DOI to name an edition of the work."""
_BIORXIV: Final = re.compile(r"(?P<doi>10\.(?:1101|64898)/[\d.]+\d)v\d+.*")

_ARCHIVES: Final = (
    "acc-phys|adap-org|alg-geom|ao-sci|astro-ph|atom-ph|bayes-an|chao-dyn|chem-ph|cmp-lg|comp-gas"
    "|cond-mat|cs|dg-ga|funct-an|gr-qc|hep-ex|hep-lat|hep-ph|hep-th|math-ph|math|mtrl-th|nlin"
    "|nucl-ex|nucl-th|patt-sol|physics|plasm-ph|q-alg|q-bio|quant-ph|solv-int|supr-con"
)
_MONTH: Final = r"\d\d(?:0[1-9]|1[0-2])"
_ARXIV_NUMBER: Final = (
    rf"(?:(?P<new>{_MONTH}\.\d{{4,5}})|(?P<archive>{_ARCHIVES})(?:\.[a-z]{{2}})?"
    rf"/(?P<old>{_MONTH}\d{{3}}))(?:v\d+)?(?!\d)"
)
_ARXIV_ALONE: Final = re.compile(_ARXIV_NUMBER, re.IGNORECASE)
_ARXIV_NAMED: Final = re.compile(
    r"(?:arxiv\.org/(?:abs|pdf|html|format|ps|src|e-print)/|ar5iv\.org/(?:abs|html)/"
    r"|alphaxiv\.org/abs/|huggingface\.co/papers/|arxiv:\s*|10\.48550/arxiv\.)" + _ARXIV_NUMBER,
    re.IGNORECASE,
)

_PMID: Final = re.compile(
    r"(?:pubmed\.ncbi\.nlm\.nih\.gov/|ncbi\.nlm\.nih\.gov/pubmed/"
    r"|europepmc\.org/(?:article|abstract)/med/|\bpmid:?\s*)0*(?P<number>[1-9]\d{0,8})(?!\d)",
    re.IGNORECASE,
)
_PMCID: Final = re.compile(r"(?<![a-z\d])pmc:?\s?0*(?P<number>[1-9]\d{0,8})(?!\d)", re.IGNORECASE)


def doi(text: str) -> str:
    """Return the first DOI of an address or a text, in lower case; empty if there is none.

    Case says nothing in a DOI (DOI Handbook, 3.4). A text that is a DOI and nothing else may
    hold any character; in running text and addresses, what commonly follows a DOI is cut off.
    """
    text = text.strip()
    bare = _RESOLVER.sub("", text, count=1) if _RESOLVER.match(text) else text
    if _DOI_ALONE.fullmatch(bare):
        is_address = _ADDRESS.match(text) is not None
        return _trimmed(unquote(re.split(r"[?#]", bare)[0]) if is_address else bare)
    for address in _ADDRESS.findall(text):
        plain = unquote(re.split(r"[?#]", address)[0])
        if within := _DOI_WITHIN.search(plain):
            return _trimmed(_EDITION.sub("", _trimmed(within[0])))
    within = _DOI_WITHIN.search(text)
    return _trimmed(within[0]) if within else ""


def doi_url(name: str) -> str:
    """Return the address at which a DOI resolves."""
    return "https://doi.org/" + quote(name, safe="/:;()!$'*+,=@~")


def arxiv_id(text: str) -> str:
    """Return the first arXiv id of an address or a text, without version; empty if there is none.

    A bare number counts only if it is the whole text: within a sentence, 2401.12345 may be a price.
    The subject class of the old style (``math.GT/0309136``) is no part of the id.
    """
    match = _ARXIV_ALONE.fullmatch(text.strip()) or _ARXIV_NAMED.search(unquote(text))
    if match is None:
        return ""
    return match["new"] or f"{match['archive'].lower()}/{match['old']}"


def pmid(text: str) -> str:
    """Return the first PubMed id that is named as one, digits only; empty if there is none."""
    match = _PMID.search(text)
    return match["number"] if match else ""


def pmcid(text: str) -> str:
    """Return the first PubMed Central id, as ``PMC`` and digits; empty if there is none."""
    match = _PMCID.search(text)
    return f"PMC{match['number']}" if match else ""


def _trimmed(name: str) -> str:
    """Return a DOI in lower case, without what the sentence or the preprint server added."""
    while name and (name[-1] in _STRAY or _closes_nothing(name)):
        name = name[:-1]
    if version := _BIORXIV.fullmatch(name):
        name = version["doi"]
    return name.lower() if _DOI_ALONE.fullmatch(name) else ""


def _closes_nothing(name: str) -> bool:
    """Whether the last character is a bracket that was opened outside."""
    opening = _BRACKETS.get(name[-1])
    return opening is not None and name.count(name[-1]) > name.count(opening)
