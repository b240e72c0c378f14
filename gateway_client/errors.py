"""Everything that can go wrong between a question and a model's answer, named for what happened.

    GatewayError
    ├── ConfigInvalid        a setting or gateway.toml is wrong
    ├── NoModel              no model can take the prompt, or no endpoint serves the model
    │   ├── UnknownModel     an endpoint says it does not have the model      404
    │   └── WrongModality    the model cannot read or make such a thing       400
    ├── RequestRefused       the request itself is not acceptable             400, 413, 422, …
    │   └── ContextExceeded  the prompt is longer than the model's window     400
    ├── KeyRefused           an endpoint does not accept the key              401, 403
    ├── QuotaSpent           the account has no credit left                   402
    ├── BudgetSpent          our own cap would be passed; nothing was sent    402
    │   └── PriceUnknown     a cap in dollars cannot be kept without a price  402
    ├── RateLimited          too many requests                                429
    ├── Unreachable          no connection
    ├── TimedOut             connected, but no answer in time                 408
    ├── UpstreamFailed       an endpoint failed, or answered nonsense         5xx
    ├── MaybeAccepted        sent, but the answer was lost; it may have to be paid
    ├── JobFailed            an endpoint took on a job and could not do it
    ├── JournalUnwritable    a paid reply cannot be kept
    ├── JournalDamaged       kept replies cannot be read
    ├── JournalLost          others have taken over the work
    └── AnswerUnusable       a model answered, but never in the form asked for

Each is one line: what happened and, in ``mend``, what to do. A key is only ever a label.
"""

from typing import ClassVar


class GatewayError(Exception):
    """A model could not be asked; ``status`` is the HTTP status that says the same."""

    status: ClassVar[int] = 502

    def __init__(self, message: str, *, mend: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.mend = mend

    def __str__(self) -> str:
        """Say what happened and, after a colon, how to mend it."""
        return f"{self.message}: {self.mend}" if self.mend else self.message


class ConfigInvalid(GatewayError):
    """A setting is wrong."""

    status = 500


class NoModel(GatewayError):
    """No model can take this prompt, or no endpoint serves the model."""

    status = 400


class UnknownModel(NoModel):
    """An endpoint says that it does not have the model."""

    status = 404


class WrongModality(NoModel):
    """The model cannot be given, or cannot make, this kind of thing."""

    status = 400


class RequestRefused(GatewayError):
    """The endpoint will not take this request, whoever sends it."""

    status = 400


class ContextExceeded(RequestRefused):
    """The prompt is too long for the model, which may have said how long it is and may be.

    ``tokens`` are those of the prompt by the endpoint's own count, ``limit`` the most it takes.
    """

    tokens: int | None = None
    limit: int | None = None


class KeyRefused(GatewayError):
    """An endpoint does not accept the key."""

    status = 401


class QuotaSpent(GatewayError):
    """The account behind the key has no credit left."""

    status = 402


class BudgetSpent(GatewayError):
    """Our own cap would be passed, so nothing was sent."""

    status = 402


class PriceUnknown(BudgetSpent):
    """There is a cap in dollars, and no price to hold the call against."""


class RateLimited(GatewayError):
    """Too many requests for now."""

    status = 429


class Unreachable(GatewayError):
    """No connection to the endpoint."""


class TimedOut(GatewayError):
    """The endpoint did not answer in time."""

    status = 504


class UpstreamFailed(GatewayError):
    """The endpoint failed, or its answer made no sense."""


class MaybeAccepted(GatewayError):
    """What may be sent only once was sent, and the answer was lost."""


class JobFailed(GatewayError):
    """An endpoint took on a job and could not do it."""


class JournalUnwritable(GatewayError):
    """A paid reply cannot be kept, so nothing more is asked."""

    status = 500


class JournalDamaged(GatewayError):
    """The replies that were kept cannot be read."""

    status = 500


class JournalLost(GatewayError):
    """Others have taken over the work that is journalled, so nothing more is asked."""

    status = 500


class AnswerUnusable(GatewayError):
    """A model answered, but not in the form asked for."""
