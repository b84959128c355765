"""How far a denial, a hedge or a request reaches, and what each mention is left with. Pure."""

from collections.abc import Iterator, Sequence

from gpt_ie.rules.clauses import VERBS, parted
from gpt_ie.rules.cues import Cue
from gpt_ie.rules.mention import Sentence, Verdict
from gpt_ie.rules.tokens import Hit, keys

# Words that stand for a finding the dictionary need not know: "no acute disease, large effusion".
_GENERIC = keys(
    "disease process abnormality finding change pathology disorder problem complication"
)
_EITHER = frozenset(("or", "versus", "vs", "verses"))
_OR = _EITHER | {"nor", "/"}
_JOIN = frozenset((",", "and"))
# What follows is told of rather than denied along with the list before it.
_AFFIRMING = keys(
    "chronic old healed healing remote again known calcified degenerative prior postsurgical "
    "postoperative previous a an"
)
_HEDGES = frozenset(("hedge_next", "hedge_near", "hedge_list", "hedge_last"))
# Longest connection of two alternatives: "atelectasis versus early left lower lobe pneumonia".
_ALTERNATIVE_REACH = 7


def judge(sentence: Sentence) -> list[Verdict]:
    """Decide for each mention whether it is present, absent, uncertain or not asserted.

    A request ("evaluate for") is stronger than a denial, a denial than a hedge, a hedge than an
    alternative ("atelectasis or infiltrate").

    Args:
        sentence: With its cues and clauses.

    Returns:
        One verdict for each mention, in order.
    """
    mentions = sentence.mentions
    verdicts = [Verdict(mention.presence) for mention in mentions]
    found: dict[str, dict[int, str]] = {"uncertain": {}, "absent": {}, "unasserted": {}}
    for hit in sentence.cues:
        effect, reached = _reach(sentence, hit)
        for index in reached:
            found[effect].setdefault(index, hit.value.phrase)
    for index, phrase in _alternatives(sentence):
        found["uncertain"].setdefault(index, phrase)
    for index, mention in enumerate(mentions):
        if index in found["unasserted"]:
            verdicts[index] = Verdict(None, found["unasserted"][index])
        elif index in found["absent"]:
            # "Heart size is not normal" denies a denial: that says nothing certain.
            presence = None if mention.presence == "absent" else "absent"
            verdicts[index] = Verdict(presence, found["absent"][index])
        elif index in found["uncertain"] and mention.presence == "present":
            verdicts[index] = Verdict("uncertain", found["uncertain"][index])
    return verdicts


def _reach(sentence: Sentence, hit: Hit[Cue]) -> tuple[str, Iterator[int]]:
    """The effect of a cue and the mentions that it governs."""
    kind = hit.value.kind
    nothing: Iterator[int] = iter(())
    if kind == "deny_next":
        return "absent", _following(sentence, hit)
    if kind == "deny_last":
        return "absent", _preceding(sentence, hit)
    if kind == "deny_either":
        ahead = _adjacent(sentence, hit)
        return "absent", iter((ahead,)) if ahead is not None else _preceding(sentence, hit)
    if kind == "hedge_next":
        return "uncertain", _following(sentence, hit)
    if kind == "hedge_list":
        return "uncertain", _rest(sentence, hit)
    if kind == "hedge_near":
        return "uncertain", _near(sentence, hit)
    if kind == "hedge_last":
        return "uncertain", _preceding(sentence, hit)
    if kind == "unasserted":
        return "unasserted", _following(sentence, hit)
    if kind == "unasserted_last":
        return "unasserted", _preceding(sentence, hit)
    return "uncertain", nothing


def _near(sentence: Sentence, hit: Hit[Cue]) -> Iterator[int]:
    """A hedging adjective governs the next noun; at the end of a clause, the one before it."""
    reached = list(_following(sentence, hit, tight=True))
    if reached:
        return iter(reached)
    # "Effusion, possibly from pleuritis" hedges its cause, which the dictionary need not know.
    ends = _clause_end(sentence, hit.first) == hit.last
    return _preceding(sentence, hit) if ends else iter(())


def _rest(sentence: Sentence, hit: Hit[Cue]) -> Iterator[int]:
    """Every mention after a cue in its clause."""
    for index, mention in enumerate(sentence.mentions):
        if mention.anchor >= hit.last:
            if sentence.clauses[mention.anchor] != sentence.clauses[hit.first]:
                return
            yield index


def _clause_end(sentence: Sentence, position: int) -> int:
    clauses = sentence.clauses
    end = position
    while end < len(clauses) and clauses[end] == clauses[position]:
        end += 1
    return end


def _following(sentence: Sentence, hit: Hit[Cue], *, tight: bool = False) -> Iterator[int]:
    """Mentions after a cue in its clause, as long as the list goes on."""
    words = sentence.tokens.words
    if hit.last >= len(words) or sentence.clauses[hit.last] != sentence.clauses[hit.first]:
        return
    end = _clause_end(sentence, hit.last)
    position = hit.last
    for anchor, last, index in _items(sentence, hit.last, end):
        if not _continues(sentence, position, anchor, end, tight=tight and position > hit.last):
            return
        if index is not None:
            yield index
        position = last


def _items(sentence: Sentence, start: int, end: int) -> list[tuple[int, int, int | None]]:
    """Mentions and generic nouns between two tokens: anchor, end, number of the mention."""
    items: list[tuple[int, int, int | None]] = [
        (mention.anchor, mention.last, index)
        for index, mention in enumerate(sentence.mentions)
        if start <= mention.anchor < end
    ]
    covered = [(anchor, last) for anchor, last, _ in items]
    items.extend(
        (position, position + 1, None)
        for position in range(start, end)
        if sentence.tokens.words[position] in _GENERIC
        and not any(first <= position < last for first, last in covered)
    )
    return sorted(items, key=lambda item: item[0])


def _continues(sentence: Sentence, start: int, stop: int, end: int, *, tight: bool) -> bool:
    """Whether a list that a cue governs goes on from one item to the next.

    Args:
        sentence: The sentence.
        start: End of the item before (or of the cue).
        stop: Start of the item in question.
        end: End of the clause.
        tight: Whether a comma or "and" ends the list unless alternatives follow.
    """
    words = sentence.tokens.words
    between = words[start:stop]
    if not _OR.isdisjoint(between):
        return True
    if parted(between):
        return False
    if _JOIN.isdisjoint(between):
        return True
    if any(start <= hit.first < stop and hit.value.kind in _HEDGES for hit in sentence.cues):
        return False
    if not _OR.isdisjoint(words[stop:end]):
        return True
    return not tight and not _affirms(sentence, start, stop)


def _affirms(sentence: Sentence, start: int, stop: int) -> bool:
    """Whether the words before an item tell of it: "no pneumothorax, stable small effusion"."""
    if not _AFFIRMING.isdisjoint(sentence.tokens.words[start:stop]):
        return True
    return any(start <= hit.first < stop for hit in (*sentence.trends, *sentence.severities))


def _preceding(sentence: Sentence, hit: Hit[Cue]) -> Iterator[int]:
    """The nearest mention before a cue, and those listed with it, in its clause.

    A clause that names nothing of its own speaks of the one before: "effusion has decreased but is
    not excluded".
    """
    words = sentence.tokens.words
    clause = sentence.clauses[hit.first]
    position: int | None = None
    for index in range(len(sentence.mentions) - 1, -1, -1):
        mention = sentence.mentions[index]
        if mention.presence == "absent" and mention.anchor >= hit.first:
            continue  # "heart size is within normal limits" has the cue for its own predicate
        if mention.first < hit.first < mention.last:
            yield index  # "the heart is likely enlarged": the cue stands inside
            return
        if mention.first > hit.first:
            continue
        if sentence.clauses[mention.first] != clause:
            if position is not None or not _silent(sentence, clause, hit.first):
                return
            clause = sentence.clauses[mention.first]
        if position is not None and not _listed(words[mention.last : position]):
            return
        yield index
        position = mention.first


def _silent(sentence: Sentence, clause: int, end: int) -> bool:
    """Whether a clause has no subject of its own before its predicate."""
    begin = sentence.clauses.index(clause)
    return end - begin <= 3 and sentence.tokens.words[begin] in ("but", "and", ",", "though")


def _listed(between: Sequence[str]) -> bool:
    """Whether two mentions with these words between them share their verb."""
    joined = not between or not (_OR | _JOIN).isdisjoint(between)
    return joined and "with" not in between and VERBS.isdisjoint(between)


def _adjacent(sentence: Sentence, hit: Hit[Cue]) -> int | None:
    """The mention whose noun phrase a cue opens."""
    for index, mention in enumerate(sentence.mentions):
        if mention.first >= hit.last:
            between = sentence.tokens.words[hit.last : mention.first]
            plain = (_JOIN | _OR | VERBS | {"with", "in", ";", "("}).isdisjoint(between)
            same = sentence.clauses[hit.first] == sentence.clauses[mention.first]
            return index if plain and same and len(between) <= 4 else None
    return None


def _alternatives(sentence: Sentence) -> Iterator[tuple[int, str]]:
    """Both sides of "or" and "versus"; a denial outweighs it."""
    words = sentence.tokens.words
    mentions = sentence.mentions
    for index in range(len(mentions) - 1):
        left, right = mentions[index], mentions[index + 1]
        between = words[left.last : right.first]
        phrase = next((word for word in between if word in _EITHER), None)
        if phrase is None or len(between) > _ALTERNATIVE_REACH or "with" in between:
            continue
        yield index, phrase
        yield index + 1, phrase
