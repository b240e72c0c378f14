"""Whatever the program can say of a run in English has a form in every other language."""

import ast
import itertools
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import agent.errors
import gateway_client.errors
from agent.domain.evidence import ONLY_ABSTRACT
from agent.domain.selection import Reason
from agent.domain.support.reasons import SENTENCES
from agent.rendering.sayings import Saying
from agent.rendering.words import languages, words_for

ROOT = Path(__file__).parents[2]
TO_THE_CALLER = frozenset({"cli", "demo", "testing", "doors"})
"""What speaks to whoever calls; of it, only why it stopped a run comes into a report."""

UNASKED = frozenset({"dialects", "commands.py", "films.py", "job.py", "embedding.py"})
"""Of the gateway client, what no run asks for."""
REASONED = {"stages", "pipeline.py", "packing.py", "proof.py", "outcome.py"}
"""Where a text that a function returns is mostly a reason."""

ENDS_OR_FORBIDS = {"ConfigInvalid", "JournalUnwritable", "JournalDamaged", "JournalLost"}
"""Errors of the gateway that no run goes on from: there is no report to say them in."""

OTHERS = {"Failure", "Unproved", "Dropped", "Judged", "Stumbled", "pull"}
"""What else takes a reason; ``pull`` is that of the brake."""

GAP = "7"
"""Fits every gap, those for numbers too."""

AROUND = [("", ""), (GAP, ""), (f"{GAP} ", ""), ("", GAP), (GAP, GAP)]
"""What may stand before and after a text that is put together from several."""

MOST_FORMS = 64


@cache
def recorded() -> set[str]:
    """The names of what a reason of the program is built with."""
    seen = (
        agent.errors.SearchFailed,
        agent.errors.PageUnreadable,
        agent.errors.AnswerUnusable,
        agent.errors.ModelUnavailable,
        gateway_client.errors.GatewayError,
    )
    classes = {
        name
        for module in (agent.errors, gateway_client.errors)
        for name, value in vars(module).items()
        if isinstance(value, type) and issubclass(value, seen)
    }
    return (classes - ENDS_OR_FORBIDS) | OTHERS


Values = dict[str, list[tuple[ast.expr, "Scope"]]]
"""What names stand for, each with the scope its own names are to be looked up in."""


class Scope:
    """A function or a module: what its names stand for, as far as that is written in it."""

    def __init__(self, node: ast.AST, outer: Values) -> None:
        nodes = tuple(_own(node))
        own: Values = {}
        for inner in nodes:
            for name, value in (*_stand_for(inner), *_taken_in_turn(inner, outer)):
                own.setdefault(name, []).append((value, self))
        arguments = getattr(node, "args", None)
        names = [a.arg for a in (*arguments.args, *arguments.kwonlyargs)] if arguments else []
        self.values: Values = {**outer, **{name: [] for name in names}, **own}
        self.expressions = [inner for inner in nodes if isinstance(inner, ast.expr)]
        self.calls = [inner for inner in nodes if isinstance(inner, ast.Call)]
        self.returned = [r.value for r in nodes if isinstance(r, ast.Return) and r.value]

    def texts(self, node: ast.expr, seen: frozenset[str] = frozenset()) -> set[str]:
        """Return the texts that an expression can be; none where that is not written here."""
        found: set[str] = set()
        match node:
            case ast.Constant(value=str(text)):
                found = {text}
            case ast.FormattedValue(conversion=114):  # as of {it!r}
                found = {repr(GAP)}
            case ast.FormattedValue(value=value, format_spec=None, conversion=-1):
                found = self.texts(value, seen)
            case ast.JoinedStr(values=parts):
                found = self.joined(parts, seen)
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                found = self.joined([left, right], seen)
            case ast.IfExp(body=body, orelse=orelse):
                found = self.texts(body, seen) | self.texts(orelse, seen)
            case ast.BoolOp(values=parts) | ast.Tuple(elts=parts):
                found = set().union(*(self.texts(part, seen) for part in parts))
            case ast.Name(id=name):
                found = self.named(name, seen)
            case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)):
                found = self.named(f"{name}()", seen)
        return found

    def everything(self) -> set[str]:
        """Return all texts that are written in it."""
        return set().union(*map(self.texts, self.expressions))

    def joined(self, parts: list[ast.expr], seen: frozenset[str]) -> set[str]:
        forms = itertools.product(*(self.texts(part, seen) or {GAP} for part in parts))
        return {"".join(form) for form in itertools.islice(forms, MOST_FORMS)}

    def named(self, name: str, seen: frozenset[str]) -> set[str]:
        """Return the texts that a name stands for; that of what is called ends in brackets."""
        found = [] if name in seen else self.values.get(name, [])
        return set().union(*(scope.texts(value, seen | {name}) for value, scope in found))


FUNCTION = (ast.FunctionDef, ast.AsyncFunctionDef)


def _own(node: ast.AST) -> Iterator[ast.AST]:
    """Yield what stands in a function or module, and not in a function within."""
    for inner in ast.iter_child_nodes(node):
        if not isinstance(inner, FUNCTION):
            yield inner
            yield from _own(inner)


def _stand_for(node: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    match node:
        case ast.Assign(targets=[ast.Name(id=name)], value=value):
            yield name, value
        case ast.Assign(targets=[ast.Tuple(elts=names)], value=ast.Tuple(elts=values)):
            for one, value in zip(names, values, strict=False):
                if isinstance(one, ast.Name):
                    yield one.id, value
        case (
            ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value)
            | ast.NamedExpr(target=ast.Name(id=name), value=value)
        ):
            yield name, value
        case ast.AugAssign(target=ast.Name(id=name), value=value):
            yield name, ast.BinOp(ast.Name(name), ast.Add(), value)


def _taken_in_turn(node: ast.AST, outer: Values) -> Iterator[tuple[str, ast.expr]]:
    """Yield what the names of a loop stand for that goes through a table."""
    match node:
        case ast.For(target=ast.Tuple(elts=names), iter=table):
            tables = [table]
            if isinstance(table, ast.Name):
                tables = [value for value, _ in outer.get(table.id, [])]
            rows = [row for one in tables for row in getattr(one, "elts", ())]
            for row in rows:
                for name, value in zip(names, getattr(row, "elts", ()), strict=False):
                    if isinstance(name, ast.Name):
                        yield name.id, value


@cache
def scopes() -> tuple[tuple[Path, ast.AST, Scope], ...]:
    """Return all modules and functions of the program, each with its file."""
    return tuple(_scopes())


def _scopes() -> Iterator[tuple[Path, ast.AST, Scope]]:
    paths = [*(ROOT / "agent").rglob("*.py"), *(ROOT / "gateway_client").rglob("*.py")]
    trees = {
        path.relative_to(ROOT): ast.parse(path.read_text(encoding="utf-8"))
        for path in sorted(paths)
    }
    constants: Values = {}
    for tree in trees.values():
        for name, values in Scope(tree, {}).values.items():
            if name.isupper():
                constants.setdefault(name, []).extend(values)
    for path, tree in trees.items():
        module = Scope(tree, constants)
        functions = [node for node in ast.walk(tree) if isinstance(node, FUNCTION)]
        inner = [(node, Scope(node, module.values)) for node in functions]
        for node, scope in inner:
            values = [(value, scope) for value in scope.returned]
            module.values.setdefault(f"{node.name}()", []).extend(values)
        for node, scope in inner:
            scope.values = {**module.values, **scope.values}
            yield path, node, scope
        yield path, tree, module


def _named_in(path: Path) -> set[str]:
    """Return what a reason is built with in a file."""
    if UNASKED & set(path.parts):
        return set()
    return {"pull"} if TO_THE_CALLER & set(path.parts) else recorded()


def _returns_text(node: ast.AST) -> bool:
    returned = getattr(node, "returns", None)
    return returned is not None and "str" in ast.unparse(returned)


def reasons() -> set[str]:
    """Return every reason that is written in the code."""
    found: set[str] = set()
    for path, node, scope in scopes():
        names = _named_in(path)
        given = [
            one
            for call in scope.calls
            if getattr(call.func, "id", getattr(call.func, "attr", "")) in names
            for one in (*call.args, *(keyword.value for keyword in call.keywords))
        ]
        if REASONED & set(path.parts) and _returns_text(node):
            given += scope.returned
        for one in given:
            found |= scope.texts(one)
    return found


LATIN = {"arxiv", "ddgs", "feed", "zip", "http", "https", "rpm", "tpm", "budget", "models"}
"""Names that are the same in every language."""


def is_english(text: str) -> bool:
    found = re.findall(r"(?<![\w./{=-])[a-z]{2,}(?![\w./=])", text)
    return not LATIN.issuperset(found)


CHINESE = words_for("zh")


def in_chinese(english: str) -> str:
    """Return what is said of a reason, or of a mend, which comes after one."""
    told = CHINESE.tell(english)
    return CHINESE.tell(f"no passage is cited - {english}") if is_english(told) else told


DETAILS = {
    Reason.SAME_WORK: ["https://a.example/"],
    Reason.SITE_SHARE: ["2 of a.example"],
    Reason.BUDGET: ["1 page", "2 pages"],
}
"""What may fill the gap of a reason for choosing; of others, a question."""


def choices() -> set[str]:
    return {
        reason.format(detail)
        for reason in Reason
        for detail in DETAILS.get(reason, [GAP, "the question"])
    }


def test_every_reason_has_a_chinese_form() -> None:
    written = {text for text in reasons() if text[:1].isalnum() and " " in text}
    sentences = {text.replace("{detail}", GAP) for text in SENTENCES.values()}
    every = (written | sentences | choices()) - {ONLY_ABSTRACT}  # which is said in its own words
    assert len(every) > 200
    assert {text for text in every if is_english(in_chinese(text))} == set()


def test_every_saying_is_of_something_that_the_program_says() -> None:
    written = choices().union(*(scope.everything() for _, _, scope in scopes()))
    sayings = (*CHINESE.sayings.told, *CHINESE.sayings.mends)
    assert [one for one in sayings if not any(is_written(one, text) for text in written)] == []


def is_written(saying: Saying, text: str) -> bool:
    """Whether the words of a saying stand in a text, in their order."""
    at = 0
    for words in (literal.strip() for literal in saying.literals):
        at = text.find(words, at) + len(words)
        if at < len(words):
            return False
    return True


@pytest.mark.parametrize("language", languages())
def test_a_saying_fills_only_gaps_that_it_has(language: str) -> None:
    sayings = words_for(language).sayings
    for one in (*sayings.told, *sayings.mends):
        assert len(set(one.gaps)) == len(one.gaps), one
        assert one.said.format_map(dict.fromkeys(one.gaps, GAP)), one
    assert all(one.literals[0] for one in sayings.mends)
