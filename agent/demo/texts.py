"""Reads the texts of the demo world from ``examples/world`` and leaves serving them to others."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

from agent import resources

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

Kind = Literal["page", "pdf", "paper"]
FENCE = "+++\n"


@dataclass(frozen=True, slots=True)
class Text:
    """One page or paper; its ``body`` is paragraphs and ``##`` headings, a blank line apart.

    ``path`` is its address on the server, ``pdf`` the name of its PDF file if it has one.
    """

    kind: Kind
    path: str
    title: str
    authors: tuple[str, ...]
    published: date
    updated: date
    language: str
    body: str
    site: str = ""
    id: str = ""
    abstract: str = ""
    categories: tuple[str, ...] = ()
    pdf: str = ""

    @property
    def blocks(self) -> list[str]:
        """The paragraphs and headings of the body."""
        return self.body.strip().split("\n\n")

    @property
    def versioned_id(self) -> str:
        """The id as arXiv writes it, with version 2 for a paper that was updated."""
        return f"{self.id}v{1 if self.updated == self.published else 2}"


def folder() -> Path:
    """Return the folder of the demo world."""
    return resources.folder("examples") / "world"


def read_texts(kind: Literal["pages", "papers"]) -> list[Text]:
    """Read all texts of one folder, in the order of their file names."""
    return [parsed(path.read_text("utf-8")) for path in sorted((folder() / kind).glob("*.md"))]


def parsed(text: str) -> Text:
    """Make a text of a file: TOML between two fences, then the body."""
    _, front, body = text.split(FENCE, 2)
    about: dict[str, Any] = tomllib.loads(front)
    kind = about["kind"]
    if kind not in get_args(Kind):
        raise ValueError(f"no such kind of text: {kind!r}")
    return paper(about, body) if kind == "paper" else page(kind, about, body)


def page(kind: Kind, about: dict[str, Any], body: str) -> Text:
    """Make a text of a page's own words."""
    return Text(
        kind=kind,
        path=about["path"],
        title=about["title"],
        authors=(about["author"],),
        published=about["date"],
        updated=about["date"],
        language=about["language"],
        body=body,
        site=about["site"],
        pdf=about.get("pdf", ""),
    )


def paper(about: dict[str, Any], body: str) -> Text:
    """Make a text of a paper's record and full text."""
    return Text(
        kind="paper",
        path=f"/abs/{about['id']}",
        title=about["title"],
        authors=tuple(about["authors"]),
        published=about["published"],
        updated=about["updated"],
        language=about["language"],
        body=body,
        id=about["id"],
        abstract=about["abstract"].strip(),
        categories=tuple(about["categories"]),
        pdf=f"{about['id']}.pdf",
    )
