"""The rules first; a language model only for the sentences of which the rules are not sure."""

from collections.abc import Coroutine, Iterator
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from iki_knowledge import KnowledgeBase, load_knowledge

from gpt_ie.rules.engine import RulesEngine
from gpt_ie.rules.lexicon import build_lexicon
from gpt_ie.rules.merge import merge
from gpt_ie.rules.sentences import sentences
from gpt_ie.rules.unsure import doubts
from gpt_ie.schema import Evidence, ExtractedFinding, Report, ReportFindings, Usage
from gpt_ie.sections import read_spans

T = TypeVar("T")


class Asked(Protocol):
    """The engine that is asked about unsure sentences, e.g. `gpt_ie.llm.engine.LLMEngine`."""

    name: str
    key: str

    async def aextract(self, report: Report) -> ReportFindings:
        """The findings of the sentences of a report."""
        ...

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine in the event loop that it keeps for callers without one."""
        ...

    @property
    def usage(self) -> Usage:
        """Everything spent so far."""
        ...

    async def aclose(self) -> None:
        """Close what is open in this event loop."""
        ...

    def close(self) -> None:
        """Close everything."""
        ...


@dataclass(frozen=True, slots=True)
class Share:
    """How much went to the language model.

    Attributes:
        reports: Reports read.
        reports_asked: Those with at least one unsure sentence.
        sentences: Sentences read.
        sentences_asked: Unsure ones.
    """

    reports: int = 0
    reports_asked: int = 0
    sentences: int = 0
    sentences_asked: int = 0

    @property
    def of_sentences(self) -> float:
        """Share of the sentences, 0 when there are none."""
        return self.sentences_asked / self.sentences if self.sentences else 0.0

    @property
    def of_reports(self) -> float:
        """Share of the reports, 0 when there are none."""
        return self.reports_asked / self.reports if self.reports else 0.0


@dataclass(frozen=True, slots=True)
class _Sentence:
    section: str
    start: int
    end: int
    unsure: bool


class HybridEngine:
    """Findings by the rules, but by a language model for each sentence that they mark unsure.

    Attributes:
        name: With the names of both engines.
        key: Of both.
        shares: How much went to the language model so far.
    """

    def __init__(self, asked: Asked, kb: KnowledgeBase | None = None) -> None:
        """Put both together.

        Args:
            asked: The language model's engine, with the same dictionary; closed with this one.
            kb: The dictionary; None for the packaged one.
        """
        knowledge = load_knowledge() if kb is None else kb
        self._rules = RulesEngine(knowledge)
        self._lexicon = build_lexicon(knowledge)
        self._knowledge = knowledge.version
        self._asked = asked
        self.name = f"hybrid:{self._rules.name}+{asked.name}"
        self.key = f"hybrid:{self._rules.key}+{asked.key}"
        self.shares = Share()

    @property
    def usage(self) -> Usage:
        """Everything that the language model has spent so far."""
        return self._asked.usage

    def share(self) -> float:
        """Share of the sentences that went to the language model so far."""
        return self.shares.of_sentences

    def extract(self, report: Report) -> ReportFindings:
        """As `aextract`, for callers without an event loop."""
        return self._asked.run(self.aextract(report))

    async def aextract(self, report: Report) -> ReportFindings:
        """What the rules are sure of, and the model's answer for the rest of a report.

        Args:
            report: With at least one section.

        Returns:
            In the order of the report, repeated ones merged. `usage` is None where the rules were
            sure of every sentence.

        Raises:
            EngineError: When the language model has no usable answer for an unsure sentence.
            EngineUnavailableError: When it cannot go on.
        """
        read = list(self._sentences(report))
        unsure = [sentence for sentence in read if sentence.unsure]
        found = list(self._rules.extract(_blanked(report, unsure)).findings)
        usage: Usage | None = None
        if unsure:
            answered = await self._asked.aextract(_excerpt(report, unsure))
            usage = answered.usage
            found += [_moved(finding, unsure) for finding in answered.findings]
        self._count(len(read), len(unsure))
        order = {section: number for number, section in enumerate(report.sections)}

        def place(finding: ExtractedFinding) -> tuple[int, int]:
            at = finding.evidence
            return (len(order), 0) if at is None else (order[at.section], at.start)

        supported = sorted((item for item in found if item.unsupported is None), key=place)
        flagged = [item for item in found if item.unsupported is not None]
        return ReportFindings(
            report_id=report.report_id,
            engine=self.name,
            knowledge=self._knowledge,
            findings=tuple(sorted((*merge(supported), *flagged), key=place)),
            usage=usage,
        )

    async def aclose(self) -> None:
        """Close what the language model's engine has open in this event loop."""
        await self._asked.aclose()

    def close(self) -> None:
        """Close the language model's engine, and with it the loop of `extract`."""
        self._asked.close()

    def _sentences(self, report: Report) -> Iterator[_Sentence]:
        for section, text in report.sections.items():
            for begin, end in read_spans(text):
                for start, stop in sentences(text, begin, end):
                    unsure = bool(doubts(self._lexicon, text, start, stop))
                    yield _Sentence(section, start, stop, unsure)

    def _count(self, read: int, unsure: int) -> None:
        before = self.shares
        self.shares = Share(
            before.reports + 1,
            before.reports_asked + bool(unsure),
            before.sentences + read,
            before.sentences_asked + unsure,
        )


def _blanked(report: Report, unsure: list[_Sentence]) -> Report:
    """The report with white space for the unsure sentences, so that every place stays."""
    texts = dict(report.sections)
    for sentence in unsure:
        text = texts[sentence.section]
        blank = "".join(
            character if character == "\n" else " "
            for character in text[sentence.start : sentence.end]
        )
        texts[sentence.section] = text[: sentence.start] + blank + text[sentence.end :]
    return Report(report.report_id, texts, report.row)


def _excerpt(report: Report, unsure: list[_Sentence]) -> Report:
    """The unsure sentences as a report of their own, one section each."""
    texts = {
        f"sentence {number}": report.sections[sentence.section][sentence.start : sentence.end]
        for number, sentence in enumerate(unsure, start=1)
    }
    return Report(report.report_id, texts, report.row)


def _moved(finding: ExtractedFinding, unsure: list[_Sentence]) -> ExtractedFinding:
    """A finding of the excerpt with the place of its evidence in the report."""
    at = finding.evidence
    if at is None:
        return finding
    sentence = unsure[int(at.section.removeprefix("sentence ")) - 1]
    evidence = Evidence(
        section=sentence.section,
        start=sentence.start + at.start,
        end=sentence.start + at.end,
        text=at.text,
    )
    return finding.model_copy(update={"evidence": evidence})
