"""The phantom run: reports → findings → training, when there is no complete run yet."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path

from gpt_ie import Report, RulesEngine, extract
from iki_knowledge import KnowledgeBase
from medfilip_model import TrainConfig, train
from medfilip_model.checkpoint import load_checkpoint
from medfilip_model.errors import CheckpointError, ConfigError
from medfilip_model.phantom import PhantomConfig, plan_phantom
from medfilip_model.progress import Listener

from medfilip_bench.files import write_atomic


def is_complete(run: Path) -> bool:
    """Return whether a run folder holds a finished run; one that was killed is gone on with."""
    try:
        checkpoint = load_checkpoint(run)
    except CheckpointError:
        return False
    return checkpoint.extra.get("finished") is True


def train_on_reports(
    config: TrainConfig, kb: KnowledgeBase, folder: Path, listener: Listener
) -> Path:
    """Train on what gpt-ie reads in the phantoms' reports, not on what was drawn.

    Args:
        config: The run; its phantoms are those whose reports are read.
        kb: The dictionary.
        folder: Where the reports and their findings are written.
        listener: Hears of progress.

    Returns:
        The run folder.
    """
    reports = list(training_reports(config))
    write_reports(reports, folder / "phantom.reports.csv")
    findings = folder / "phantom.findings.jsonl"
    listener.start("extracting reports", len(reports), "reports")
    summary = extract(reports, RulesEngine(kb), findings, on_progress=lambda _: listener.advance(1))
    listener.note(
        f"{summary.findings} findings read in {summary.reports} phantom reports "
        f"({summary.failed} failed) by {summary.engine}: {findings}"
    )
    asked = config.replace(data__findings=findings)
    try:
        return train(asked, kb=kb, listener=listener).out
    except ConfigError as error:
        listener.note(f"the run in {config.out} is trained anew: {error}")
        return train(asked, kb=kb, listener=listener, resume=False).out


def training_reports(config: TrainConfig) -> Iterator[Report]:
    """Yield the reports of the phantoms that a run trains on."""
    recipe = PhantomConfig(size=config.model.size, seed=config.data.seed)
    for index in range(config.data.train):
        made = plan_phantom(recipe, index)
        yield Report(
            made.id, {"findings": made.report.findings, "impression": made.report.impression}
        )


def write_reports(reports: list[Report], path: Path) -> None:
    """Write reports as the CSV that ``gpt-ie extract`` reads."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(("report_id", "findings", "impression"))
    for report in reports:
        writer.writerow((report.report_id, *report.sections.values()))
    write_atomic(path, stream.getvalue())
