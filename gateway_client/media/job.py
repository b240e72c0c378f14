"""One film being made, as its endpoint describes it; knows no network."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields, replace
from typing import TYPE_CHECKING, Final

from gateway_client.errors import AnswerUnusable, ConfigInvalid

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway_client.wire import Payload

DONE: Final = frozenset({"completed", "succeeded"})
FAILED: Final = frozenset({"failed", "cancelled", "canceled", "expired"})
"""What endpoints call a job that is over."""


@dataclass(frozen=True, slots=True)
class Job:
    """A film being made. ``lane`` is the label of the key that ordered it; keys are never here.

    Endpoints know only the jobs of their own keys, so all later calls go the same way.
    """

    id: str
    endpoint: str
    lane: str
    model: str = ""
    status: str = "queued"
    progress: int = 0
    seconds: str = ""
    size: str = ""
    error: str = ""

    @property
    def is_done(self) -> bool:
        """Whether it can be fetched."""
        return self.status in DONE

    @property
    def has_failed(self) -> bool:
        """Whether it will never be done."""
        return self.status in FAILED

    def to_json(self) -> str:
        """Return what `from_json` takes, to go on in another process."""
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Job:
        """Read a job back; raise ConfigInvalid if the text is none."""
        try:
            values = json.loads(text)
            made = cls(**values)
        except (ValueError, TypeError, RecursionError) as error:
            raise _no_job() from error
        kinds = {field.name: int if field.name == "progress" else str for field in fields(cls)}
        if any(type(getattr(made, name)) is not kind for name, kind in kinds.items()):
            raise _no_job()
        return made


def described(payload: Payload, before: Job) -> Job:
    """Return the job as an endpoint describes it now; what it leaves out stays as it was."""
    job_id, status, progress = (payload.get(name) for name in ("id", "status", "progress"))
    if not isinstance(job_id, str) or not job_id.strip("."):
        raise AnswerUnusable(f"{before.endpoint} described a film without the id of its job")
    return replace(
        before,
        id=job_id,
        status=status if isinstance(status, str) else before.status,
        progress=int(progress) if isinstance(progress, int | float) else before.progress,
        error=_reason(payload.get("error")),
        **{name: str(payload[name]) for name in ("model", "seconds", "size") if payload.get(name)},
    )


def _reason(error: object) -> str:
    said: Mapping[str, object] = error if isinstance(error, dict) else {"message": error}
    return " ".join(str(said.get("message") or said.get("code") or "").split())


def _no_job() -> ConfigInvalid:
    return ConfigInvalid("this is no saved video job", mend="give the text that Job.to_json made")
