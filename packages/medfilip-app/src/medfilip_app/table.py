"""Many pairs of image and report, file to file: streamed, resumable, complete or not there.

Results stand in gpt-ie's journal while a run is under way (`gpt_ie.store`): a run that was cut off
takes over what has the same image, report, model, dictionary and engine.
"""

import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from gpt_ie import Engine, EngineError, Rejected, ReportFindings, RulesEngine
from gpt_ie.store import Entry, Journal, content_key, failure_line
from jaxtyping import UInt8
from medfilip_model.data.decode import read_grey, square
from medfilip_model.errors import DataError
from medfilip_model.progress import Listener, Silent
from pydantic import TypeAdapter

from medfilip_app.check import judge_reports
from medfilip_app.errors import AppError
from medfilip_app.keys import file_state, model_key
from medfilip_app.loaded import Loaded
from medfilip_app.pairs import Pair, open_pairs
from medfilip_app.record import (
    CheckRecord,
    ModelRecord,
    check_record,
    judges_omissions,
    model_record,
    to_json,
)

_SHOWN = 5
_FAILURE = TypeAdapter(Rejected)


@dataclass(frozen=True, slots=True)
class TableSummary:
    """What a run did.

    Attributes:
        out: The checks.
        failed_out: The failures; None when there were none.
        engine: What read the reports.
        model: Which model answered.
        pairs: Rows of the table.
        failed: Rows that failed.
        resumed: Rows taken over from a run that was cut off.
        statements: Findings of the reports.
        supported: Of them.
        contradicted: Of them.
        undecided: Of them.
        omissions: What images show and their reports do not say; None where the model cannot tell.
        seconds: Wall time.
        first_failures: The first few that failed.
    """

    out: Path
    failed_out: Path | None
    engine: str
    model: ModelRecord
    pairs: int
    failed: int
    resumed: int
    statements: int
    supported: int
    contradicted: int
    undecided: int
    omissions: int | None
    seconds: float
    first_failures: tuple[Rejected, ...]


def check_table(
    loaded: Loaded,
    pairs: Path,
    out: Path,
    *,
    id_column: str | None = None,
    engine: Engine | None = None,
    resume: bool = True,
    batch: int = 128,
    listener: Listener | None = None,
) -> TableSummary:
    """Judge every report of a table by its image.

    A pair whose image or report cannot be read, or whose id came before, goes to the file of
    failures with the reason, and the others go on. The output appears complete at the end.

    Args:
        loaded: The run that answers.
        pairs: See `medfilip_app.pairs.open_pairs`; read twice, first to count it and to find what
            is wrong with it.
        out: One `medfilip_app.record.CheckRecord` a line, in the order of the table.
        id_column: Column of the pairs' ids; None to guess it.
        engine: What reads the reports; None: gpt-ie's rules.
        resume: Whether to take over what an earlier run that was cut off left.
        batch: Images that the model reads at a time.
        listener: Hears how far it is.

    Returns:
        The summary.

    Raises:
        AppError: If the table has not the columns, or the output is no place for a file.
        GptIeError: If the table cannot be read, or the output cannot be written.
        MedfilipError: If the model cannot judge.
    """
    begin = time.perf_counter()
    table = open_pairs(pairs, id_column)
    _check_out(out, pairs)
    heard = listener or Silent()
    heard.start("checking", sum(1 for _ in table.rows()), "pairs")
    with Journal(out, resume=resume) as journal:
        run = _Run(loaded, engine or RulesEngine(loaded.kb), journal, heard, batch)
        for place, pair in enumerate(table.pairs()):
            run.take(place, pair)
        run.judge()
        failed_out = journal.finish()
    return TableSummary(
        out,
        failed_out,
        run.engine.name,
        model_record(loaded),
        pairs=run.counts["pairs"],
        failed=run.counts["failed"],
        resumed=run.counts["resumed"],
        statements=run.counts["statements"],
        supported=run.counts["supported"],
        contradicted=run.counts["contradicted"],
        undecided=run.counts["undecided"],
        omissions=run.counts["omissions"] if judges_omissions(loaded) else None,
        seconds=time.perf_counter() - begin,
        first_failures=tuple(run.failures),
    )


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A pair that is read and waits for its batch to be full."""

    place: int
    key: str
    image: str
    pixels: UInt8[np.ndarray, "S S"]
    read: ReportFindings


@dataclass(slots=True)
class _Run:
    """Where results go, and what is counted of them."""

    loaded: Loaded
    engine: Engine
    journal: Journal
    listener: Listener
    batch: int
    counts: Counter[str] = field(default_factory=Counter[str])
    failures: list[Rejected] = field(default_factory=list[Rejected])
    waiting: list[_Waiting] = field(default_factory=list["_Waiting"])
    model: str = ""

    def take(self, place: int, pair: Pair | Rejected) -> None:
        """Settle a pair whose result is known or that cannot be read; keep another for a batch."""
        key = self._key(pair)
        known = self.journal.take(place, key)
        if known is not None:
            self.counts["resumed"] += 1
            self._count(known, None)
            return
        opened = pair if isinstance(pair, Rejected) else self._open(place, key, pair)
        if isinstance(opened, Rejected):
            self._settle(place, key, Entry("failed", failure_line(opened)), None)
            return
        self.waiting.append(opened)
        if len(self.waiting) >= self.batch:
            self.judge()

    def judge(self) -> None:
        """Judge the pairs that wait."""
        if not self.waiting:
            return
        pixels = np.stack([one.pixels for one in self.waiting])
        checks = judge_reports(self.loaded, pixels, [one.read for one in self.waiting])
        for one, check in zip(self.waiting, checks, strict=True):
            record = check_record(self.loaded, one.image, check)
            self._settle(one.place, one.key, Entry("ok", to_json(record)), record)
        self.waiting.clear()

    def _open(self, place: int, key: str, pair: Pair) -> _Waiting | Rejected:
        size = self.loaded.model.config.size
        try:
            grey, _ = read_grey(pair.path, size)
            read = self.engine.extract(pair.report)
        except DataError as error:
            reason = f"cannot read image {pair.image!r}: {error}"
        except EngineError as error:
            reason = str(error)
        else:
            return _Waiting(place, key, pair.image, np.asarray(square(grey, size)), read)
        return Rejected(pair.report.report_id, pair.report.row, reason)

    def _key(self, pair: Pair | Rejected) -> str:
        if isinstance(pair, Rejected):
            return content_key("failed", failure_line(pair), {})
        self.model = self.model or model_key(self.loaded)
        sections = {**pair.report.sections, "\0image": f"{pair.image}\n{file_state(pair.path)}"}
        return content_key(f"{self.engine.key}+{self.model}", pair.report.report_id, sections)

    def _settle(self, place: int, key: str, entry: Entry, record: CheckRecord | None) -> None:
        self.journal.put(place, key, entry)
        self._count(entry, record)

    def _count(self, entry: Entry, record: CheckRecord | None) -> None:
        self.counts["pairs"] += 1
        self.listener.advance(1)
        if entry.outcome == "failed":
            self.counts["failed"] += 1
            if len(self.failures) < _SHOWN:
                self.failures.append(_FAILURE.validate_json(entry.text))
            return
        told = record or CheckRecord.model_validate_json(entry.text)
        self.counts.update(one.verdict for one in told.statements)
        self.counts["statements"] += len(told.statements)
        self.counts["omissions"] += len(told.omissions or ())


def _check_out(out: Path, pairs: Path) -> None:
    if out.is_dir():
        raise AppError(f"--out {str(out)!r} is a folder; name a file in it")
    if not out.parent.is_dir():
        raise AppError(f"--out {str(out)!r}: there is no folder {str(out.parent)!r}; make it first")
    if out.exists() and out.samefile(pairs):
        raise AppError(f"--out {str(out)!r} is the table itself; name another")
