"""One fact on page 47 of a paper of 60 pages is found, quoted, and cited with its page."""

import json
from http import HTTPStatus
from pathlib import Path

from agent import wiring
from agent.demo.sites import Answer
from agent.demo.world import DemoWorld
from agent.domain.question import Question
from agent.settings import Settings

PLANTED = "The crane of Port Ellis lifted a load of 412 tonnes in the autumn of 2023."
PAGES = 60
ON_PAGE = 47


def paper() -> bytes:
    """A paper of 60 pages, in the plainest PDF there is."""
    objects = [b"<< /Type /Catalog /Pages 2 0 R >>"]
    first = 4
    kids = b" ".join(b"%d 0 R" % (first + 2 * at) for at in range(PAGES))
    objects.append(b"<< /Type /Pages /Kids [%s] /Count %d >>" % (kids, PAGES))
    objects.append(b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>")
    for number in range(1, PAGES + 1):
        lines = [f"Chapter {number} of the harbour survey describes quay {number} in detail."]
        lines += [f"Row {row} of its table lists ropes, bolts and paint." for row in range(1, 13)]
        if number == ON_PAGE:
            lines.insert(6, PLANTED)
        text = b"".join(b"(%s) Tj 0 -18 Td " % line.encode() for line in lines)
        stream = b"BT /F1 11 Tf 60 780 Td %sET" % text
        at = first + 2 * (number - 1)
        objects.append(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents %d 0 R"
            b" /Resources << /Font << /F1 3 0 R >> >> >>" % (at + 1)
        )
        objects.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream))
    body = b"%PDF-1.4\n" + b"".join(
        b"%d 0 obj\n%s\nendobj\n" % (number, part) for number, part in enumerate(objects, start=1)
    )
    return body + b"trailer << /Root 1 0 R /Size %d >>\n%%%%EOF\n" % (len(objects) + 1)


class Harbour(DemoWorld):
    """A site with one paper, which every search finds."""

    def _answer(self, head: str) -> Answer:
        target = head.split(" ")[1]
        if target.startswith("/search"):
            result = {"url": f"{self.base}/survey.pdf", "title": "Harbour survey", "engine": "x"}
            body = json.dumps({"results": [{**result, "content": "Cranes and quays."}]})
            return Answer(HTTPStatus.OK, "application/json", body.encode())
        if target.startswith("/survey.pdf"):
            return Answer(HTTPStatus.OK, "application/pdf", paper())
        return Answer(HTTPStatus.NOT_FOUND, "text/plain", b"no")


async def test_a_fact_on_page_47_of_60_is_found_quoted_and_cited_with_its_page(
    tmp_path: Path,
) -> None:
    async with Harbour() as world:
        settings = Settings(
            out=tmp_path,
            cached=False,
            engines=("searxng",),
            searxng_url=world.searxng_url,
            allow_hosts=frozenset({world.host}),
        )
        question = Question("What load did the crane of Port Ellis lift?", sources=("web",))
        report = await wiring.research(question, settings=settings, embedded=True)
    (source,) = report.sources
    assert len(source.page_starts) == PAGES
    claim = next(claim for claim in report.claims if "412 tonnes" in claim.sentence)
    (citation,) = claim.citations
    assert citation.quote == PLANTED
    assert source.page(citation.start) == ON_PAGE
    written = (tmp_path / report.run.id / "report.md").read_text("utf-8")
    assert f"p. {ON_PAGE}" in written
