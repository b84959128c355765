"""The offline engine: a report in, its findings out, no model and no network."""

from collections.abc import Iterator
from importlib.metadata import version

from iki_knowledge import KnowledgeBase, load_knowledge

from gpt_ie.rules.lexicon import build_lexicon
from gpt_ie.rules.merge import merge
from gpt_ie.rules.reading import Reading, read_sentence
from gpt_ie.rules.sentences import sentences
from gpt_ie.schema import Evidence, ExtractedFinding, Report, ReportFindings
from gpt_ie.sections import read_spans

# Sentences whose readings are kept; some megabytes.
_REMEMBERED = 4096


class RulesEngine:
    """Rules over the dictionary's surface forms.

    Attributes:
        name: Name and version, as written with each result.
        key: Everything that changes an answer: the name and the dictionary's version.
    """

    def __init__(self, kb: KnowledgeBase | None = None) -> None:
        """Build the lexicon.

        Args:
            kb: The dictionary; None for the packaged one.
        """
        knowledge = load_knowledge() if kb is None else kb
        self.name = f"rules@{version('gpt-ie')}"
        self.key = f"{self.name}+knowledge@{knowledge.version}"
        self._knowledge = knowledge.version
        self._lexicon = build_lexicon(knowledge)
        self._read: dict[str, tuple[Reading, ...]] = {}

    def extract(self, report: Report) -> ReportFindings:
        """The findings of one report, repeated ones merged.

        Args:
            report: With at least one section.

        Returns:
            The findings in the order of the report; none is a valid answer.
        """
        found = [
            _finding(section, report.sections[section], reading)
            for section, reading in self.readings(report)
            if reading.verdict.presence is not None
        ]
        return ReportFindings(
            report_id=report.report_id,
            engine=self.name,
            knowledge=self._knowledge,
            findings=merge(found),
        )

    def readings(self, report: Report) -> Iterator[tuple[str, Reading]]:
        """Every mention of a report before merging, those not asserted too.

        Args:
            report: With at least one section.

        Yields:
            The section's name and the reading, in the order of the report.
        """
        for section, text in report.sections.items():
            for begin, end in read_spans(text):
                for start, stop in sentences(text, begin, end):
                    for reading in self._sentence(text[start:stop]):
                        yield section, reading.moved(start)

    def _sentence(self, sentence: str) -> tuple[Reading, ...]:
        """The readings of a sentence by itself; the same ones are written again and again."""
        known = self._read.get(sentence)
        if known is None:
            if len(self._read) >= _REMEMBERED:
                self._read.clear()
            known = self._read[sentence] = tuple(read_sentence(self._lexicon, sentence))
        return known

    def explain(self, text: str) -> list[Reading]:
        """Every mention of a text with the trigger that decided its presence.

        Args:
            text: A sentence or more.

        Returns:
            One reading for each mention and place, those not asserted too.
        """
        return [reading for _, reading in self.readings(Report("", {"text": text}))]


def _finding(section: str, text: str, reading: Reading) -> ExtractedFinding:
    start, end = reading.evidence
    return ExtractedFinding(
        **reading.finding.model_dump(),
        surface=text[slice(*reading.surface)],
        evidence=Evidence(section=section, start=start, end=end, text=text[start:end]),
    )
