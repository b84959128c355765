"""The text of a model's answer read into the schema: JSON, or the paper's four-part lines. Pure."""

import json
import re
from collections.abc import Mapping

from iki_knowledge import Presence, normalise
from pydantic import ValidationError

from gpt_ie.answer import Answer, AnswerError, AnswerFormat, answer_error

_FENCE = re.compile(r"\A\s*```[a-z]*\s*\n(.*?)\n?\s*```\s*\Z", re.DOTALL | re.IGNORECASE)
_PARTS = re.compile(r"\{([^{}\n]*)\}")
_LINE = re.compile(r"(?:\{[^{}\n]*\}[ \t]*)+")
_EMPTY = frozenset(("", "na", "n a", "none", "null", "nil", "not applicable"))
_PRESENCES: Mapping[str, Presence] = {
    "yes": "present", "present": "present", "no": "absent", "absent": "absent",
    "maybe": "uncertain", "possible": "uncertain", "uncertain": "uncertain",
}  # fmt: skip


def parse_answer(text: str, form: AnswerFormat, model: type[Answer] = Answer) -> Answer:
    """Read the text of an answer.

    Args:
        text: As the model wrote it.
        form: "json": one JSON object, bare or in a code fence. "paper": lines of
            ``{presence}{severity}{location}{category}``, of which the first may be left out (then
            it is present) and ``{NA}`` is empty; a line without category is passed over, as in the
            paper; the answer ``None`` means no findings. As that format has no quotation, the
            category's words stand for it.
        model: The schema, e.g. from `answer_model`.

    Returns:
        The answer, validated.

    Raises:
        AnswerError: With the feedback for the model.
    """
    if not text.strip():
        raise AnswerError("the answer is empty", "Your answer is empty.")
    value = _of_json(text) if form == "json" else {"findings": _of_lines(text)}
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise answer_error(error) from None


def _of_json(text: str) -> object:
    fenced = _FENCE.match(text)
    try:
        return json.loads(fenced[1] if fenced else text)
    except (ValueError, RecursionError):
        raise AnswerError(
            "the answer is not JSON, or was cut off",
            "Your answer is not one whole JSON object. Give it again, and nothing else.",
        ) from None


def _of_lines(text: str) -> list[dict[str, str | None]]:
    groups = list(_LINE.finditer(text))
    rest = _LINE.sub("", text)
    if "{" in rest or "}" in rest or (not groups and normalise(text) not in _EMPTY):
        raise AnswerError(
            "the answer is not in the four-part format, or was cut off",
            "Your answer is not made of lines of the form {presence}{severity}{location}{category}."
            " Write one such line for each finding, or None when there is none.",
        )
    found = [_of_parts(number, group[0]) for number, group in enumerate(groups, start=1)]
    return [item for item in found if item is not None]


def _of_parts(number: int, group: str) -> dict[str, str | None] | None:
    parts = [part.strip() for part in _PARTS.findall(group)]
    values = [None if normalise(part) in _EMPTY else part for part in parts]
    if all(value is None for value in values):
        return None
    if len(values) == 3:
        values.insert(0, "yes")
    presence = _PRESENCES.get((values[0] or "yes").lower()) if len(values) == 4 else None
    if presence is None:
        raise AnswerError(
            f"finding {number} of the answer is not in the four-part format",
            f"Finding {number} of your answer is not {{presence}}{{severity}}{{location}}"
            "{category}, with Yes, No or Possible for the presence.",
        )
    _, severity, location, category = values
    if category is None:
        return None
    return {
        "category": category, "severity": severity, "location": location, "presence": presence,
        "trend": None, "evidence": category,
    }  # fmt: skip
