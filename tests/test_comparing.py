import json
from pathlib import Path

from agent.comparing import compare


def report(folder: Path, *claims: tuple[str, str]) -> Path:
    folder.mkdir()
    told = {
        "sources": [{"id": "S1", "url": "https://a.example"}],
        "sections": [
            {
                "claims": [
                    {"sentence": sentence, "citations": [{"source": "S1", "quote": quote}]}
                    for sentence, quote in claims
                ]
            }
        ],
    }
    (folder / "report.json").write_text(json.dumps(told))
    return folder


def test_claims_are_gained_lost_and_said_otherwise(tmp_path: Path) -> None:
    before = report(
        tmp_path / "a", ("It rains.", "rain"), ("It costs 5.", "5 coins"), ("Fish swim.", "fish")
    )
    after = report(
        tmp_path / "b", ("It rains.", "rain"), ("The price is 5.", "5 coins"), ("Owls fly.", "owl")
    )
    compared = compare(before, after)
    assert compared.kept == 1
    assert compared.gained == ("Owls fly.",)
    assert compared.lost == ("Fish swim.",)
    assert compared.changed == (("It costs 5.", "The price is 5."),)
    assert compare(before, before).kept == 3
