"""Where one clause of a sentence ends and the next begins. Pure."""

from collections.abc import Sequence

from gpt_ie.rules.cues import Cue
from gpt_ie.rules.mention import Mention
from gpt_ie.rules.tokens import Hit, keys

# Finite verbs. Singular ones make "and" start a clause: "no effusion and the heart is enlarged"
# against "effusion and pneumothorax are not seen".
SINGULAR = keys("is was has does")
VERBS = SINGULAR | keys(
    "are were have had do did remain appear demonstrate show reveal persist seem measure contain "
    "project overlie terminate look"
)
# After "is" or "are" they only say that something exists: "no effusion or pneumothorax is seen".
_EXISTENTIAL = keys(
    "seen identified visualized visualised noted evident present demonstrated appreciated detected "
    "apparent observed found visible shown suggested"
)
# "Associated with" ties what follows to what precedes; a bare "with" begins another statement.
_TYING = frozenset(("associated", "consistent", "compatible", "along", "keeping"))
_RELATIVE = frozenset(("which", "that", "who", "this"))
_JOINT = frozenset((",", "and"))
_DENIALS = frozenset(("deny_next", "deny_last", "hedge_last"))


def number_clauses(
    words: Sequence[str], cues: Sequence[Hit[Cue]], mentions: Sequence[Mention]
) -> tuple[int, ...]:
    """Number the clauses of a sentence.

    A clause starts at a boundary cue ("but", ";"), at "there" once something has been said, and
    after a comma or "and" when an independent clause with its own verb follows.

    Args:
        words: Keys of the sentence's words.
        cues: Cues found in it.
        mentions: Categories found in it.

    Returns:
        For each word the number of its clause, from 0, never falling.
    """
    starts = {hit.first for hit in cues if hit.value.kind == "boundary"}
    denials = [hit.first for hit in cues if hit.value.kind in _DENIALS]
    named = [mention.first for mention in mentions]
    begin = 0
    for position, word in enumerate(words):
        if position in starts:
            begin = position
        elif word == "there" or word in "()":
            said = any(begin <= place < position for place in (*named, *denials))
            if said or word in "()":
                starts.add(position)
                begin = position
        elif word in _JOINT:
            left_verb = not VERBS.isdisjoint(words[begin:position])
            left_denial = any(begin <= place < position for place in denials)
            left_named = any(begin <= place < position for place in named)
            verb = _own_verb(words, position + 1)
            if verb is None:
                continue
            complete = left_verb or left_denial or (word == "," and left_named)
            if complete or (left_named and verb in SINGULAR):
                starts.add(position)
                begin = position
    numbers: list[int] = []
    number = 0
    for position in range(len(words)):
        if position in starts and position > 0:
            number += 1
        numbers.append(number)
    return tuple(numbers)


def _own_verb(words: Sequence[str], start: int) -> str | None:
    """The verb of the independent clause that starts here, if one does."""
    if start < len(words) and words[start] == "and":
        start += 1
    if start >= len(words) or words[start] in _RELATIVE:
        return None
    for position in range(start, len(words)):
        word = words[position]
        if word in _JOINT or word in ("or", "nor", ";", "but"):
            return None
        if word in VERBS:
            after = words[position + 1 : position + 3]
            if position == start or not _EXISTENTIAL.isdisjoint(after):
                return None
            return word
    return None


def parted(between: Sequence[str]) -> bool:
    """Whether another statement begins among words: "with …", or a comma right after "seen"."""
    for position, word in enumerate(between):
        before = between[position - 1] if position else ""
        if (word == "with" and before not in _TYING) or (word == "," and before in _EXISTENTIAL):
            return True
    return False
