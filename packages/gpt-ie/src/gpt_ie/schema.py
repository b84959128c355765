"""What goes in and what comes out: reports and their findings. Data shapes, no IO."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from iki_knowledge import Finding
from pydantic import BaseModel, ConfigDict, Field

SCHEMA_VERSION = 1
# Why a finding is not grounded: its quotation is not in the report, or the rules read it as denied.
Unsupported = Literal["no_evidence", "negated"]


class GptIeError(Exception):
    """Base of every error that gpt-ie raises on purpose."""


class EngineError(GptIeError):
    """An engine could not extract from one report; the others go on."""


class EngineUnavailableError(GptIeError):
    """An engine cannot go on at all: no key, no such model, the cost limit is reached."""


@dataclass(frozen=True, slots=True)
class Report:
    """One report.

    Attributes:
        report_id: Unique in its file.
        sections: Column name -> text as read, e.g. ``{"findings": …, "impression": …}``; an input
            of one text has the single key ``"text"``.
        row: Where it stands in its file (the header is row 1 of a CSV), for messages; None for a
            report that comes from no file.
    """

    report_id: str
    sections: Mapping[str, str]
    row: int | None = None


@dataclass(frozen=True, slots=True)
class Rejected:
    """An input row from which no findings can come.

    Attributes:
        report_id: Its id, or None where the row has none.
        row: Where it stands in its file.
        reason: One line, without report text.
    """

    report_id: str | None
    row: int | None
    reason: str


def _is_none(value: object) -> bool:
    return value is None


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Usage(_Frozen):
    """What an engine spent on one report, retries included.

    Attributes:
        calls: Requests to the model.
        prompt_tokens: Tokens sent.
        completion_tokens: Tokens received.
        cost: In US dollars; None where the price is not known.
    """

    calls: int
    prompt_tokens: int
    completion_tokens: int
    cost: float | None = None


class Evidence(_Frozen):
    """The words of the report that a finding rests on.

    Attributes:
        section: Name of the column.
        start: First character, counted in the column as read.
        end: One past the last character.
        text: ``column[start:end]``, verbatim.
    """

    section: str
    start: int = Field(ge=0)
    end: int = Field(ge=0)
    text: str


class ExtractedFinding(Finding):
    """A finding with the surface form that named it and its evidence.

    Attributes:
        surface: The words that named the category, verbatim; a model's own words where the report
            does not hold its quotation.
        evidence: The span of the surface and of the words for severity, side, region and trend;
            None only where the quotation of a model is not in the report.
        unsupported: Why the finding is not grounded; None, and then not written, when it is.
    """

    surface: str
    evidence: Evidence | None
    unsupported: Unsupported | None = Field(default=None, exclude_if=_is_none)


class ReportFindings(_Frozen):
    """All findings of one report: one line of ``findings.jsonl``.

    Attributes:
        report_id: The report's id.
        schema_version: Version of this format; ``schema`` in JSON.
        engine: Name and version of what extracted them, e.g. ``"rules@0.1.0"``.
        knowledge: Version of the dictionary whose categories they name; None where it is not known.
        findings: In the order of the report.
        usage: What a model spent on it; None, and then not written, where none was asked.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", validate_by_name=True, serialize_by_alias=True
    )

    report_id: str
    schema_version: Literal[1] = Field(default=SCHEMA_VERSION, alias="schema")
    engine: str
    knowledge: str | None = None
    findings: tuple[ExtractedFinding, ...] = ()
    usage: Usage | None = Field(default=None, exclude_if=_is_none)


class Engine(Protocol):
    """What extracts findings from a report.

    Attributes:
        name: Name and version, written with each result.
        key: Everything that changes an answer (name, dictionary, prompt, …); part of the key under
            which a result is taken over when a run is resumed.
    """

    name: str
    key: str

    def extract(self, report: Report) -> ReportFindings:
        """The findings of one report, each with evidence that its text holds verbatim.

        Raises:
            EngineError: When this report cannot be read; it is counted as failed.
        """
        ...


class AsyncEngine(Engine, Protocol):
    """An engine that waits for a model: many reports are under way at once."""

    async def aextract(self, report: Report) -> ReportFindings:
        """As `extract`.

        Raises:
            EngineError: When this report cannot be read.
            EngineUnavailableError: When the engine cannot go on; the run stops and can be resumed.
        """
        ...
