"""What the parts of the engine pass to each other for one sentence. Data shapes."""

from dataclasses import dataclass, field

from iki_knowledge import Place, Presence, Trend

from gpt_ie.rules.cues import Cue
from gpt_ie.rules.tokens import Hit, Tokens


@dataclass(frozen=True, slots=True)
class Mention:
    """A category named in a sentence.

    Attributes:
        category: Dictionary id.
        first: First token of the surface.
        last: One past its last token.
        anchor: The token that a denial or a hedge must precede to govern it: the first, but the
            predicate where a sentence spreads over subject and predicate ("heart is enlarged").
        presence: What the words themselves say ("heart size is normal" denies cardiomegaly).
    """

    category: str
    first: int
    last: int
    anchor: int
    presence: Presence = "present"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the sentence says of a mention.

    Attributes:
        presence: None when the sentence does not say that it is seen ("evaluate for pneumonia").
        trigger: The phrase that decided; None where nothing turned it.
    """

    presence: Presence | None
    trigger: str | None = None


@dataclass(frozen=True, slots=True)
class Sentence:
    """The words of a sentence and everything that the lexicon knows among them.

    Attributes:
        tokens: The words.
        mentions: Categories, in order.
        cues: Denials, hedges and boundaries, in order.
        severities: Canonical severities.
        places: Sides and regions.
        trends: Changes.
        clauses: For each token the number of its clause.
    """

    tokens: Tokens
    mentions: tuple[Mention, ...]
    cues: tuple[Hit[Cue], ...]
    severities: tuple[Hit[str], ...] = ()
    places: tuple[Hit[Place], ...] = ()
    trends: tuple[Hit[Trend], ...] = ()
    clauses: tuple[int, ...] = field(default=())
