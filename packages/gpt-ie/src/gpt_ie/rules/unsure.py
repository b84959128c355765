"""Sentences of which the rules cannot be sure, and why. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from gpt_ie.rules.clauses import VERBS
from gpt_ie.rules.lexicon import Lexicon
from gpt_ie.rules.mention import Mention, Sentence
from gpt_ie.rules.reading import parse
from gpt_ie.rules.scope import judge
from gpt_ie.rules.tokens import keys, tokenise

Reason = Literal["unknown_term", "conflicting_scope"]

# How many words may stand between a severity and the noun that it is of.
_REACH = 6
_STOPS = VERBS | keys("with within without in on at from to by but which that due secondary")
# Words that name no finding, so that a severity before them leaves nothing open.
_PLAIN = VERBS | keys(
    """a an the of in on at to for from with without within by as and or but nor no not than that
    this these those which who it its be been being there any some other another such same each
    both all more most less least very quite rather too only also again still now since when while
    may might could can should would likely possible possibly probable probably due secondary
    related consistent compatible suggesting suggestive representing reflecting evidence degree
    amount size extent severity interval new old prior previous current comparison study exam
    examination film image view radiograph patient change changed unchanged stable increase
    increased decrease decreased improvement improved worsening progression appearance appearing
    normal limit upper lower left right bilateral bilaterally area region portion aspect side
    level lung heart chest thoracic quality inspiration inspiratory effort rotation volume
    technique positioning disease process abnormality finding pathology
    over through into near along above below between during
    slightly mildly moderately markedly minimally grossly"""
)


@dataclass(frozen=True, slots=True)
class Doubt:
    """Why a sentence is unsure.

    Attributes:
        reason: A severity of something that the dictionary does not know, or a mention that
            phrases pull in different directions.
        start: First character of the words in question, counted in the text that was read.
        end: One past the last.
    """

    reason: Reason
    start: int
    end: int


def doubts(lexicon: Lexicon, text: str, start: int = 0, end: int | None = None) -> list[Doubt]:
    """What the rules cannot be sure of in a sentence.

    Args:
        lexicon: What the rules look for.
        text: The text that holds the sentence.
        start: First character of the sentence.
        end: One past its last; None for the end of the text.

    Returns:
        Empty for a sentence that the rules read without doubt.
    """
    tokens = tokenise(text, start, end)
    sentence = parse(lexicon, tokens)
    found = [Doubt("unknown_term", *span) for span in _unknown(lexicon, sentence)]
    found += [
        Doubt("conflicting_scope", tokens.starts[mention.first], tokens.ends[mention.last - 1])
        for mention in _conflicting(sentence)
    ]
    return found


def _unknown(lexicon: Lexicon, sentence: Sentence) -> Iterator[tuple[int, int]]:
    """Severities whose noun the dictionary does not know: no finding follows, but some word."""
    tokens = sentence.tokens
    words = tokens.words
    named = _covered(lexicon, sentence)
    findings = frozenset(
        position for first, last in _spans(lexicon, sentence) for position in range(first, last)
    )
    for hit in lexicon.severities.find(words):
        if hit.first in findings:
            continue
        unknown: int | None = None
        for position in range(hit.last, min(hit.last + _REACH, len(words))):
            word = words[position]
            if position in findings:
                unknown = None
                break
            if not word[0].isalnum() or word in _STOPS:
                break
            if unknown is None and word not in _PLAIN and position not in named:
                unknown = position
        if unknown is not None:
            yield tokens.starts[hit.first], tokens.ends[unknown]


def _spans(lexicon: Lexicon, sentence: Sentence) -> list[tuple[int, int]]:
    """Words that name a finding, or what the dictionary knows to be none."""
    known = [(mention.first, mention.last) for mention in sentence.mentions]
    return known + [(hit.first, hit.last) for hit in lexicon.findings.find(sentence.tokens.words)]


def _covered(lexicon: Lexicon, sentence: Sentence) -> frozenset[int]:
    """Words that the dictionary knows as a place, a change or a cue."""
    words = sentence.tokens.words
    spans: list[tuple[int, int]] = []
    for tree in (lexicon.places, lexicon.trends, lexicon.cues):
        spans += [(hit.first, hit.last) for hit in tree.find(words)]
    return frozenset(position for first, last in spans for position in range(first, last))


def _conflicting(sentence: Sentence) -> Iterator[Mention]:
    """Mentions that two phrases of the sentence pull in different directions."""
    if not sentence.mentions:
        return
    final = judge(sentence)
    asserted: dict[str, str | None] = {}
    for index, (mention, verdict) in enumerate(zip(sentence.mentions, final, strict=True)):
        first = asserted.setdefault(mention.category, verdict.presence)
        if first != verdict.presence or _torn(sentence, index):
            yield mention


def _torn(sentence: Sentence, index: int) -> bool:
    """Whether phrases before and after a mention, each by itself, would decide differently on it.

    Phrases on one side nest and are no conflict: "no opacity to suggest pneumonia" denies it.
    """
    if len(sentence.cues) < 2:
        return False
    plain = judge(replace(sentence, cues=()))[index].presence
    before: set[str | None] = set()
    after: set[str | None] = set()
    for hit in sentence.cues:
        presence = judge(replace(sentence, cues=(hit,)))[index].presence
        if presence != plain:
            ahead = hit.first < sentence.mentions[index].anchor
            (before if ahead else after).add(presence)
    return bool(before and after and before != after)
