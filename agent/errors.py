"""Everything that can go wrong, named for what happened.

    DeepResearchError            the run cannot go on            exit 1
    ├── InvalidInput             the caller's words are off      exit 2
    │   ├── InvalidQuestion      empty, or far too long
    │   ├── InvalidSettings      an option or variable is wrong
    │   ├── InvalidOption        an option in a file is wrong
    │   ├── InvalidSchedule      a schedule, or the file of them, is wrong
    │   ├── InvalidBatch         a file of topics, or a row of it, is wrong
    │   └── CorpusUnusable       --corpus is missing or has nothing readable
    ├── SearchUnavailable        every search failed (none came back, not even empty)
    ├── ModelUnavailable         the gateway gave no answer
    │   ├── BudgetSpent          a call might take more than the run may spend
    │   └── PromptTooLong        a model's window is smaller than was thought
    ├── RunUnwritable            the run folder cannot be made or written
    ├── RunUnknown               no such run, or not a run of ours
    ├── ExtraMissing             a format needs a package that is not installed
    ├── RunBusy                  another process is working on the run
    ├── RunFinished              nothing of the run is left to do
    ├── RunLost                  another process has taken the run over
    ├── RunDamaged               what was kept of a run cannot be read
    ├── DatabaseUnavailable      the database does not answer
    ├── DatabaseOutdated         its tables are not those of this version
    ├── DocumentLost             a stored text is gone, or was changed
    ├── TemplateBroken           a template asks for what it was not given
    │
    │   caught inside a run and recorded in the report as failures:
    ├── SearchFailed             one engine, one query
    ├── PageUnreadable           one page
    │   ├── AddressRefused       its address is not one we may open
    │   └── PageGone             its server says that there is none (any more)
    └── AnswerUnusable           a model answered, but not in the form asked for

Each carries the facts in its message and, in ``mend``, what to do about it. One that stopped a run
which can be taken up again names it in ``stopped_run``.
"""


class DeepResearchError(Exception):
    """The run cannot go on."""

    exit_status = 1

    def __init__(self, message: str, *, mend: str = "") -> None:
        super().__init__(message)
        self.mend = mend
        self.stopped_run = ""

    def __str__(self) -> str:
        """Say what happened and, after a dash, how to mend it."""
        message = str(self.args[0])
        return f"{message} - {self.mend}" if self.mend else message


class InvalidInput(DeepResearchError):
    """What the caller asked for cannot be done as asked."""

    exit_status = 2


class InvalidQuestion(InvalidInput):
    """The question is empty or far too long."""


class InvalidSettings(InvalidInput):
    """An option or an environment variable is wrong."""


class InvalidOption(InvalidInput):
    """An option that a file gives is wrong; ``option`` is its name, for whoever knows the place."""

    def __init__(self, option: str, message: str, *, mend: str = "") -> None:
        super().__init__(f"{option}: {message}", mend=mend)
        self.option = option


class InvalidSchedule(InvalidInput):
    """A schedule is wrong, or the file of schedules, or there is none of that name."""


class InvalidBatch(InvalidInput):
    """A file of topics is wrong, or a row of it."""


class CorpusUnusable(InvalidInput):
    """A corpus folder is missing or holds nothing that can be read."""


class SearchUnavailable(DeepResearchError):
    """Every search failed, so nothing is known about what is out there."""


class ModelUnavailable(DeepResearchError):
    """The gateway gave no answer."""


class BudgetSpent(ModelUnavailable):
    """A call was not made, or given up: the run may not spend or wait any more."""


class PromptTooLong(ModelUnavailable):
    """A model takes fewer tokens than was thought, or counts more; now that is known."""


class RunUnwritable(DeepResearchError):
    """The run folder cannot be made or written."""


class RunUnknown(DeepResearchError):
    """There is no such run, or the folder is not one of ours."""


class ExtraMissing(DeepResearchError):
    """A format or style needs a package, or a library, that is not installed."""


class RunBusy(DeepResearchError):
    """Another process is working on the run."""


class RunFinished(DeepResearchError):
    """Nothing of the run is left to do."""


class RunLost(DeepResearchError):
    """Another process has taken the run over: nothing more is written here, nor paid."""


class RunDamaged(DeepResearchError):
    """What was kept of a run to take it up again cannot be read."""


class DatabaseUnavailable(DeepResearchError):
    """The database does not answer, or refuses us."""


class DatabaseOutdated(DeepResearchError):
    """The database has not the tables of this version."""


class DocumentLost(DeepResearchError):
    """A stored text is gone, or no longer what it was."""


class TemplateBroken(DeepResearchError):
    """A template is missing or asks for a value it was not given."""


class SearchFailed(DeepResearchError):
    """One engine did not answer one query."""


class PageUnreadable(DeepResearchError):
    """One page could not be fetched or has no text."""


class AddressRefused(PageUnreadable):
    """The address is private, or not one that may be opened."""


class PageGone(PageUnreadable):
    """The server has no such page, or no more."""


class AnswerUnusable(DeepResearchError):
    """A model answered, but not in the form asked for."""
