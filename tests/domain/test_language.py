import pytest

from agent.domain.language import language_of_query, language_of_script, same_script


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("长上下文与 RAG 的对比 in 2025", "zh"),
        ("検索拡張生成とは", "ja"),
        ("검색 증강 생성", "ko"),
        ("Что такое поиск", "ru"),
        ("What is the meaning of 检索?", None),
        ("Größe", None),
        ("12 %", None),
    ],
)
def test_a_script_gives_its_language_away(text: str, language: str | None) -> None:
    assert language_of_script(text) == language


def test_latin_letters_fit_every_language_written_in_them() -> None:
    assert same_script("Größe", "de")
    assert not same_script("Größe", "zh")
    assert not same_script("长上下文", "en")


def test_a_query_is_searched_in_its_own_language() -> None:
    assert language_of_query("long context", "zh") == "en"
    assert language_of_query("长上下文", "zh") == "zh"
    assert language_of_query("长上下文", "en") == "zh"
    assert language_of_query("contexto largo", "es") == "es"
