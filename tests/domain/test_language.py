import pytest

from agent.domain.language import language_of_query, language_of_script, same_script, written_in


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


@pytest.mark.parametrize(
    ("sentence", "language", "fits"),
    [
        ("The window of the model is wide and the cost is high.", "en", True),
        ("The window of the model is wide and the cost is high.", "de", False),
        ("The window of the model is wide and the cost is high.", "zh", False),
        ("The window of the model is wide and the cost is high.", "pl", False),
        ("Das Fenster ist breit und die Kosten sind nicht gering.", "de", True),
        ("Das Fenster ist breit und die Kosten sind nicht gering.", "en", False),
        ("La fenêtre est large et les coûts sont élevés dans ce cas.", "en", False),
        ("窗口很宽，成本也很高。", "zh", True),
        ("窗口很宽，成本也很高。", "en", False),
        ("窓は広く、費用も高い。", "ja", True),
        ("GPT-4 Turbo, Claude 3 Opus, Gemini 1.5 Pro", "zh", True),
        ("Okno jest szerokie, a koszty wysokie.", "pl", True),
        ("Schubert's “Der Tod und das Mädchen” was written in 1824.", "en", True),
        ("Окно широкое.", "en", False),
        ("Вікно широке.", "uk", True),
    ],
)
def test_a_sentence_tells_by_script_and_small_words_whether_it_is_in_a_language(
    sentence: str, language: str, *, fits: bool
) -> None:
    assert written_in(sentence, language) is fits
