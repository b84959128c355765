"""A report against an image: what gpt-ie reads in it, judged by what the model sees."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import starmap

import numpy as np
from gpt_ie import Engine, ExtractedFinding, Report, ReportFindings, RulesEngine
from jaxtyping import UInt8
from medfilip_model.consistency import Judgement, Omission, compare

from medfilip_app.loaded import Loaded


@dataclass(frozen=True)
class Statement:
    """A finding of the report and what the image says of it.

    Attributes:
        finding: As gpt-ie reads it, with the words that it rests on.
        judgement: Against the image.
    """

    finding: ExtractedFinding
    judgement: Judgement


@dataclass(frozen=True)
class Check:
    """A report against an image.

    Attributes:
        report_id: The report's id.
        engine: What read the report.
        statements: Its findings, in the order of the text.
        omissions: What the image shows and the report does not say, the most probable first.
        score: How many times the image raises the odds that anything is wrong with the report, as a
            natural logarithm.
    """

    report_id: str
    engine: str
    statements: tuple[Statement, ...]
    omissions: tuple[Omission, ...]
    score: float


def check_report(
    loaded: Loaded,
    pixels: UInt8[np.ndarray, "S S"],
    report: Report,
    *,
    engine: Engine | None = None,
) -> Check:
    """Judge a report by an image.

    Args:
        loaded: The run that answers.
        pixels: Grey values of the model's input size (`medfilip_model.data.decode.load_image`).
        report: The report.
        engine: What reads it; None: gpt-ie's rules.

    Returns:
        Every finding of the report with its verdict, and what the report omits.

    Raises:
        EngineError: If the engine cannot read the report.
    """
    read = (engine or RulesEngine(loaded.kb)).extract(report)
    return judge_reports(loaded, pixels[None], [read])[0]


def judge_reports(
    loaded: Loaded, pixels: UInt8[np.ndarray, "N S S"], read: Sequence[ReportFindings]
) -> tuple[Check, ...]:
    """Judge N reports that are read already, each by its image.

    Args:
        loaded: The run that answers.
        pixels: As in `check_report`.
        read: What was found in each report.

    Returns:
        One for each report.
    """
    stated = [one.findings for one in read]
    found = compare(loaded.model, pixels, stated, loaded.kb, loaded.calibration)
    return tuple(
        Check(
            report.report_id,
            report.engine,
            tuple(starmap(Statement, zip(report.findings, image.judgements, strict=True))),
            image.omissions,
            image.score,
        )
        for report, image in zip(read, found, strict=True)
    )
