"""A check as JSON: what the command prints, and one line of the file of a table."""

import json
import math
import os
from pathlib import Path
from typing import Literal

from gpt_ie import ExtractedFinding
from iki_knowledge import Finding, KnowledgeBase
from iki_knowledge.finding import Side
from medfilip_model.consistency import SlotJudgement, Verdict
from pydantic import BaseModel, ConfigDict, Field

from medfilip_app.check import Check
from medfilip_app.loaded import Loaded

SCHEMA_VERSION = 1


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ModelRecord(_Frozen):
    """Which model answered.

    Attributes:
        run: Its name.
        trained_on: What it was trained on, in words.
        phantom: Whether that were phantoms alone, so that it says nothing about patients.
    """

    run: str
    trained_on: str
    phantom: bool


class StatementRecord(_Frozen):
    """A finding of the report and what the image says of it.

    Attributes:
        words: The finding in words, e.g. ``"no small left-sided pleural effusion"``.
        verdict: ``supported``, ``contradicted`` or ``undecided``.
        probability: That the image shows the category, among images like those of the fit; null
            where it is not known.
        slots: The judgement of each thing that is stated: presence, side, severity.
        finding: As gpt-ie reads it, with its evidence in the report.
    """

    words: str
    verdict: Verdict
    probability: float | None
    slots: tuple[SlotJudgement, ...]
    finding: ExtractedFinding


class OmissionRecord(_Frozen):
    """What the image shows and the report does not say.

    Attributes:
        words: The category in words.
        category: Dictionary id.
        probability: That the image shows it, among images like those of the fit.
        evidence: Natural logarithm of how much likelier the image is with it than without.
        side: Where the image shows it; null where that is not known.
    """

    words: str
    category: str
    probability: float
    evidence: float
    side: Side | None


class CheckRecord(_Frozen):
    """A report against an image.

    Attributes:
        report_id: The report's id.
        schema_version: Version of this format; ``schema`` in JSON.
        image: The image's file, as it was named.
        engine: What read the report.
        knowledge: Version of the dictionary.
        model: Which model answered.
        score: How many times the image raises the odds that anything is wrong with the report, as a
            natural logarithm; null where that is no number.
        statements: The findings of the report, in its order.
        omissions: The most telling first; null where the model cannot tell what is left out.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", validate_by_name=True, serialize_by_alias=True
    )

    report_id: str
    schema_version: Literal[1] = Field(default=SCHEMA_VERSION, alias="schema")
    image: str
    engine: str
    knowledge: str
    model: ModelRecord
    score: float | None
    statements: tuple[StatementRecord, ...]
    omissions: tuple[OmissionRecord, ...] | None


def check_record(loaded: Loaded, image: str | Path, check: Check) -> CheckRecord:
    """The record of a check.

    Args:
        loaded: The run that answered.
        image: The image's file, as it was named.
        check: The check.
    """
    return CheckRecord(
        report_id=_writable(check.report_id),
        image=_writable(image),
        engine=check.engine,
        knowledge=loaded.kb.version,
        model=model_record(loaded),
        score=check.score if math.isfinite(check.score) else None,
        statements=tuple(
            StatementRecord(
                words=finding_words(one.finding, loaded.kb),
                verdict=one.judgement.verdict,
                probability=one.judgement.probability,
                slots=one.judgement.slots,
                finding=one.finding,
            )
            for one in check.statements
        ),
        omissions=_omissions(loaded, check) if judges_omissions(loaded) else None,
    )


def judges_omissions(loaded: Loaded) -> bool:
    """Whether a run can tell what a report leaves out, on which side, and how severe it is."""
    return loaded.calibration is not None and loaded.calibration.statements is not None


def model_record(loaded: Loaded) -> ModelRecord:
    """Which model answers."""
    return ModelRecord(
        run=_writable(loaded.name), trained_on=loaded.trained_on, phantom=loaded.phantom
    )


def to_json(record: CheckRecord) -> str:
    """A record as one line of JSON.

    Raises:
        ValueError: If a number of it is none.
    """
    return json.dumps(record.model_dump(mode="json"), ensure_ascii=False, allow_nan=False)


def finding_words(finding: Finding, kb: KnowledgeBase) -> str:
    """A finding in words.

    Args:
        finding: As stated.
        kb: Dictionary.

    Returns:
        E.g. ``"small left-sided pleural effusion"``, ``"no pneumothorax"``,
        ``"possible pneumonia"``.
    """
    sign = {"present": "", "absent": "no ", "uncertain": "possible "}[finding.presence]
    return f"{sign}{kb.text(finding, 'triplet')}"


def _omissions(loaded: Loaded, check: Check) -> tuple[OmissionRecord, ...]:
    return tuple(
        OmissionRecord(
            words=loaded.kb[one.category].name,
            category=one.category,
            probability=one.probability,
            evidence=one.evidence,
            side=one.side,
        )
        for one in check.omissions
    )


def _writable(name: str | Path) -> str:
    """A name that UTF-8 can carry; that of a file may be any bytes."""
    return os.fsencode(name).decode("utf-8", "replace")
