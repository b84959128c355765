"""What a language model may answer, and what its words mean in the dictionary. Pure.

The schema bounds every string and list. The model's words are read with the dictionary: a category
that it does not know is a fault that goes back to the model, and is never invented.
"""

import re
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from typing import Annotated, Any, Literal

from iki_knowledge import Finding, KnowledgeBase, Place, Presence, normalise
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    create_model,
)

from gpt_ie.schema import GptIeError

AnswerFormat = Literal["json", "paper"]
MAX_FINDINGS = 60
_NEAR = 5
_DENIALS = frozenset(("no", "not", "without", "absent", "negative", "denied"))
_JOINT = re.compile(r"[,;/&]|\b(?:and|or|versus|vs)\b", re.IGNORECASE)
# There is one heart: what is said of it has no side ("left ventricular prominence").
_PLACELESS_GROUP = "heart"

# What each field is to hold; a prompt may describe any of them anew.
FIELDS: Mapping[str, str] = {
    "category": "The finding's name alone, one of the known categories.",
    "severity": "Its size or grade as the report words it, or null.",
    "location": "Its side and region as the report words them, or null.",
    "presence": "Whether the report states it, denies it, or is not sure.",
    "trend": "Its change since an earlier study: new, stable, improved or worsened, or null.",
    "evidence": "The shortest quotation of the report that shows all of this, copied exactly.",
}


def _lower(value: object) -> object:
    return value.strip().lower() if isinstance(value, str) else value


def _require_all(schema: dict[str, Any]) -> None:
    """Ask for every field, as strict modes must; an answer that leaves out a null still passes."""
    schema["required"] = list(schema["properties"])
    for field in schema["properties"].values():
        field.pop("default", None)


class AnswerFinding(BaseModel):
    """One finding that the report states, denies or is not sure of."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", str_strip_whitespace=True, json_schema_extra=_require_all
    )

    category: str = Field(min_length=1, max_length=80, description=FIELDS["category"])
    severity: str | None = Field(None, max_length=40, description=FIELDS["severity"])
    location: str | None = Field(None, max_length=80, description=FIELDS["location"])
    presence: Annotated[Presence, BeforeValidator(_lower)] = Field(description=FIELDS["presence"])
    trend: str | None = Field(None, max_length=20, description=FIELDS["trend"])
    evidence: str = Field(max_length=300, description=FIELDS["evidence"])


class Answer(BaseModel):
    """All findings of the report."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    findings: tuple[AnswerFinding, ...] = Field(max_length=MAX_FINDINGS)

    @classmethod
    def model_json_schema(cls, *args: Any, **settings: Any) -> dict[str, Any]:  # noqa: ANN401 - pydantic's own
        """As of pydantic, but made once: a client asks for it with each call."""
        return deepcopy(_schema(cls, args, tuple(settings.items())))


@lru_cache(maxsize=32)
def _schema(
    model: type[Answer], args: tuple[Any, ...], settings: tuple[tuple[str, Any], ...]
) -> dict[str, Any]:
    return super(Answer, model).model_json_schema(*args, **dict(settings))


class AnswerError(GptIeError):
    """An answer that is not in its format, or names what the dictionary does not know.

    Attributes:
        feedback: What to tell the model. It quotes the model's own words, which may be the
            report's: it goes to the model and to nowhere else. The message itself quotes nothing.
    """

    def __init__(self, message: str, feedback: str) -> None:
        super().__init__(message)
        self.feedback = feedback


@dataclass(frozen=True, slots=True)
class Draft:
    """A model's finding in the dictionary's terms, not yet looked up in the report.

    Attributes:
        finding: Category, severity, side, region, presence and trend.
        words: The category as the model worded it.
        quotation: The words of the report that it gave as evidence.
    """

    finding: Finding
    words: str
    quotation: str


@dataclass(frozen=True, slots=True)
class Normalised:
    """An answer in the dictionary's terms.

    Attributes:
        drafts: In the order of the answer. Vague categories ("abnormality") are passed over, as
            the rules do.
        unknown: Category words that name nothing in the dictionary. They are the model's and may
            be the report's: count them in messages, do not quote them.
    """

    drafts: tuple[Draft, ...]
    unknown: tuple[str, ...]


def answer_model(kb: KnowledgeBase, descriptions: Mapping[str, str] | None = None) -> type[Answer]:
    """The schema of an answer whose categories are checked against a dictionary.

    The check is part of the class and needs no validation context, which instructor would take
    for the values of a template.

    Args:
        kb: The dictionary.
        descriptions: Field of `AnswerFinding` -> its description in the schema; a field left out
            keeps that of `FIELDS`.

    Returns:
        A subclass of `Answer`. What it raises for a category names the nearest known ones.

    Raises:
        KeyError: For a description of a field that does not exist.
    """

    def known(words: str) -> str:
        fault = category_fault(words, kb)
        if fault is not None:
            raise ValueError(fault)
        return words

    changed: dict[str, Any] = {
        "category": _described("category", descriptions, AfterValidator(known))
    }
    for name in descriptions or {}:
        if name != "category":
            changed[name] = _described(name, descriptions)
    one = create_model(
        "AnswerFinding", __base__=AnswerFinding, __doc__=AnswerFinding.__doc__, **changed
    )
    several: Any = (tuple[one, ...], Field(max_length=MAX_FINDINGS))
    return create_model("Answer", __base__=Answer, __doc__=Answer.__doc__, findings=several)


def _described(
    name: str, descriptions: Mapping[str, str] | None, *checks: AfterValidator
) -> object:
    """Type and field of `AnswerFinding` under another description, with further checks."""
    field = AnswerFinding.model_fields[name]
    kind: Any = field.annotation
    for item in (*field.metadata, *checks):
        kind = Annotated[kind, item]
    text = (descriptions or {}).get(name, FIELDS[name])
    return kind, Field(field.default, description=text)


def json_schema(model: type[Answer]) -> dict[str, Any]:
    """The JSON schema of an answer, without the titles that only repeat the names."""
    schema = model.model_json_schema()
    for part in (schema, *schema["$defs"].values()):
        part.pop("title", None)
        for field in part["properties"].values():
            field.pop("title", None)
    return schema


def category_fault(words: str, kb: KnowledgeBase) -> str | None:
    """What is wrong with a category as a model worded it, told to the model; None if nothing.

    Args:
        words: E.g. ``"pleural fluid"``.
        kb: The dictionary.

    Returns:
        One line that quotes the words and names the nearest categories.
    """
    if _known(words, kb):
        return None
    key = normalise(words)
    if _denies(key):
        return f"{words!r} is no category: give the name alone, and presence 'absent'"
    near = dict.fromkeys(
        kb[kb.surfaces[surface]].name
        for surface in get_close_matches(key, kb.surfaces, n=2 * _NEAR, cutoff=0.7)
        if not kb[kb.surfaces[surface]].vague
    )
    if near:
        meant = ", ".join(map(repr, list(near)[:_NEAR]))
        return f"unknown category {words!r}; the nearest known are {meant}"
    return (
        f"unknown category {words!r}, and no known one is near; leave out what has no category of "
        "its own, such as a normal study"
    )


def _known(words: str, kb: KnowledgeBase) -> bool:
    key = normalise(words)
    return key in kb.surfaces or (not _denies(key) and kb.resolve(words) is not None)


def _denies(key: str) -> bool:
    return key.partition(" ")[0] in _DENIALS


def normalise_answer(answer: Answer, kb: KnowledgeBase) -> Normalised:
    """Read a model's words with the dictionary.

    The category's words may state more ("small left effusion"), and so may the severity's ("new",
    "left-sided", "possible"): each goes to its own slot where that is empty. What the dictionary
    does not know in a slot leaves it empty. Two categories in one entry are taken apart.

    Args:
        answer: As validated.
        kb: The dictionary.

    Returns:
        The drafts, and the words of the categories that are not known.
    """
    drafts: list[Draft] = []
    unknown: list[str] = []
    for item in answer.findings:
        if not _known(item.category, kb):
            unknown.append(item.category)
            continue
        for words in _categories(item.category, kb):
            finding = _finding(item, words, kb)
            if finding is not None and not kb[finding.category].vague:
                drafts.append(Draft(finding, words, item.evidence))
    return Normalised(tuple(drafts), tuple(unknown))


def _categories(words: str, kb: KnowledgeBase) -> list[str]:
    """The words of each category: "scarring and atelectasis" are two, "hilar and …" is one."""
    if normalise(words) in kb.surfaces:
        return [words]
    parts = [part for part in _JOINT.split(words) if part.strip()]
    named = [kb.resolve(part) for part in parts]
    return parts if None not in named and len(set(named)) > 1 else [words]


def _finding(item: AnswerFinding, words: str, kb: KnowledgeBase) -> Finding | None:
    named = kb.finding(words)
    if named is None:
        return None
    severity, location, trend = (
        value or "" for value in (item.severity, item.location, item.trend)
    )
    place = kb.place(location) or Place()
    beside = kb.place(severity) or Place()
    placed = kb[named.category].group != _PLACELESS_GROUP
    hedged = item.presence == "present" and kb.hedge(f"{severity} {words}") is not None
    return Finding(
        category=named.category,
        severity=kb.severity(severity) or named.severity,
        side=(place.side or beside.side or named.side) if placed else None,
        region=(place.region or beside.region or named.region) if placed else None,
        presence="uncertain" if hedged else item.presence,
        trend=kb.trend(trend) or kb.trend(severity) or named.trend,
    )


def answer_error(error: ValidationError) -> AnswerError:
    """A validation error as a message that quotes nothing and a feedback that does."""
    faults = error.errors(include_url=False, include_input=False, include_context=False)
    message = "; ".join(f"{_where(fault['loc'])}: {fault['type']}" for fault in faults[:_NEAR])
    lines = [f"- {_where(fault['loc'])}: {fault['msg']}" for fault in faults[: 2 * _NEAR]]
    return AnswerError(
        f"the answer has {len(faults)} fault(s): {message}",
        "Your answer has faults; give the whole answer again without them.\n" + "\n".join(lines),
    )


def _where(location: tuple[int | str, ...]) -> str:
    """A place in the answer: names of fields that exist, and numbers; never a name made up."""
    known = {"findings", *FIELDS}
    parts = (str(part) if isinstance(part, int) or part in known else "?" for part in location)
    return ".".join(parts) or "the answer"
