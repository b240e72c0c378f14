"""Estimates how many tokens a text has, and learns a model's tokenizer from what it reports."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

_DIGITS: Final = "0123456789"
_CJK: Final = re.compile(
    "[\u1100-\u11ff\u2e80-\u9fff\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\uff00-\uffef"
    "\U00020000-\U0003ffff]+"
)
_LATIN: Final = re.compile("[\x00-\u024f\u1e00-\u1eff\u2000-\u206f]+")

NOISE: Final = 0.02
"""How far texts of one script differ in tokens a character, within one report's sources."""
FEWEST_TOKENS_OF_NOISE: Final = 3.0
FARTHEST_OFF: Final = 6.0
"""No tokenizer is as many times off: one token a byte is 4 times the rule of thumb for Latin and
4.3 times that for Chinese. What is reported beyond it is no count of this text."""


@dataclass(frozen=True, slots=True)
class Makeup:
    """What a prompt consists of: characters by script, and those of the form of the answer."""

    latin: int = 0
    digits: int = 0
    cjk: int = 0
    other: int = 0
    form: int = 0

    @property
    def row(self) -> tuple[float, ...]:
        """The numbers a calibration weighs; the last one stands for what every call has."""
        return (self.latin, self.digits, self.cjk, self.other, self.form, 1.0)


_RATES: Final = (0.25, 0.5, 0.7, 0.4, 0.125, 8.0)
_DOUBTS: Final = (0.12, 0.25, 0.35, 0.2, 0.125, 30.0)
"""Tokens a character of each part of a Makeup before anything was reported, and their standard
deviations over current tokenizers. Some providers count the form of the answer and some do not, so
half of it is expected; a chat template is some ten tokens."""


def makeup(texts: Iterable[str], form: str = "") -> Makeup:
    """Return what texts consist of."""
    latin = digits = cjk = other = 0
    for text in texts:
        figures = sum(map(text.count, _DIGITS))
        foreign = "" if text.isascii() else _LATIN.sub("", text)
        han = len(foreign) - len(_CJK.sub("", foreign))
        latin += len(text) - len(foreign) - figures
        digits += figures
        cjk += han
        other += len(foreign) - han
    return Makeup(latin, digits, cjk, other, len(form))


@dataclass(frozen=True, slots=True)
class Calibration:
    """What is known of a tokenizer: tokens a character by script, and how surely.

    It learns as a Kalman filter does (Kalman, 1960): each report moves most what was most in
    doubt, so one long prompt settles its script, and a short one mostly its overhead.
    """

    rates: tuple[float, ...] = _RATES
    doubt: tuple[tuple[float, ...], ...] = tuple(
        tuple(one**2 if row == column else 0.0 for column in range(len(_DOUBTS)))
        for row, one in enumerate(_DOUBTS)
    )

    def tokens(self, text: str) -> int:
        """Estimate how many tokens a text has, without what surrounds it in a prompt."""
        rates = self.rates[:4]
        counts = makeup([text]).row[:4]
        return -int(-sum(max(rate, 0.0) * n for rate, n in zip(rates, counts, strict=True)) // 1)

    def ratio(self) -> float:
        """Return the least by which a script's tokens differ from the rule of thumb for it."""
        latin, _, cjk, *_ = self.rates
        return max(1 / FARTHEST_OFF, min(latin / _RATES[0], cjk / _RATES[2]))

    def after(self, prompt: Makeup, reported: int) -> Calibration:
        """Return what is known once a model has reported the tokens of a prompt."""
        row = prompt.row
        expected = sum(n * rate for n, rate in zip(row, self.rates, strict=True))
        if not expected / FARTHEST_OFF <= reported <= expected * FARTHEST_OFF:
            return self
        shared = [sum(d * n for d, n in zip(line, row, strict=True)) for line in self.doubt]
        noise = max(FEWEST_TOKENS_OF_NOISE, NOISE * reported) ** 2
        spread = noise + sum(s * n for s, n in zip(shared, row, strict=True))
        gains = [share / spread for share in shared]
        wrong = reported - expected
        return Calibration(
            tuple(rate + gain * wrong for rate, gain in zip(self.rates, gains, strict=True)),
            tuple(
                tuple(d - gain * share for d, share in zip(line, shared, strict=True))
                for line, gain in zip(self.doubt, gains, strict=True)
            ),
        )
