"""Prompts loaded by name or path, and rendered into messages by a pure function."""

import hashlib
import json
from collections.abc import Mapping
from difflib import get_close_matches
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Literal, TypedDict

from iki_knowledge import KnowledgeBase

from gpt_ie.answer import Answer, answer_model, json_schema
from gpt_ie.prompt_file import BRACES, DATA_NOTICE, MAX_LENGTH, Prompt, PromptError, parse_prompt
from gpt_ie.schema import Report
from gpt_ie.sections import read_spans

PROMPTS = ("default", "paper")


class Message(TypedDict):
    """One message of a chat."""

    role: Literal["system", "user"]
    content: str


def load_prompt(source: str | Path) -> Prompt:
    """Load a prompt and check it, before any model is asked.

    Args:
        source: "default", "paper", or a Markdown file of the user's own.

    Returns:
        The prompt.

    Raises:
        PromptError: When there is no such prompt, or the file is not as it must be.
    """
    if isinstance(source, str) and source in PROMPTS:
        packaged = files("gpt_ie") / "prompts" / f"{source}.md"
        return parse_prompt(packaged.read_text(encoding="utf-8"), f"{source}.md")
    path = Path(source)
    if isinstance(source, str) and path.suffix != ".md" and not path.exists():
        near = get_close_matches(source, PROMPTS, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise PromptError(
            f"unknown prompt {source!r}{hint} (there are {' and '.join(map(repr, PROMPTS))}, or "
            "the path of a .md file of your own)"
        )
    try:
        with path.open("rb") as stream:
            raw = stream.read(4 * MAX_LENGTH + 8)
        whole = len(raw) <= 4 * MAX_LENGTH
        text = raw.decode("utf-8-sig", errors="strict" if whole else "ignore")
    except OSError as error:
        raise PromptError(f"cannot read the prompt {str(path)!r}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise PromptError(f"{path}:{line}: the prompt is not UTF-8") from None
    return parse_prompt(text, str(path))


def render(prompt: Prompt, report: Report, kb: KnowledgeBase) -> list[Message]:
    """The messages that ask a model for the findings of one report. Pure.

    The system message is the same for every report, so that a server can keep its prefix; the
    user message alone depends on the report, and only in the report's own block.

    Args:
        prompt: E.g. ``load_prompt("default")``.
        report: With at least one section.
        kb: The dictionary, for the known categories.

    Returns:
        A system message and a user message.
    """
    system, user = _frame(prompt, kb)
    block = report_block(report)
    return [
        {"role": "system", "content": system},
        {"role": "user", "content": user[0] + block + user[1]},
    ]


def prompt_model(prompt: Prompt, kb: KnowledgeBase) -> type[Answer]:
    """The schema that answers to a prompt are validated against, fields described as it says."""
    return answer_model(kb, dict(prompt.fields))


def prompt_key(prompt: Prompt, kb: KnowledgeBase) -> str:
    """A hash of everything that a prompt and a dictionary send to a model beside the report.

    Args:
        prompt: The prompt.
        kb: The dictionary.

    Returns:
        16 hexadecimal digits, to be part of the key under which an answer is kept: it changes with
        the texts, the known categories, and the schema.
    """
    sent = json.dumps([_frame(prompt, kb), prompt.format, json_schema(prompt_model(prompt, kb))])
    return hashlib.blake2b(sent.encode(), digest_size=8).hexdigest()


@lru_cache(maxsize=8)
def _frame(prompt: Prompt, kb: KnowledgeBase) -> tuple[str, tuple[str, str]]:
    """The system text, and the user text before and after the report."""
    values = {"categories": categories(kb)}
    if prompt.format == "json":
        schema = json_schema(prompt_model(prompt, kb))
        values["schema"] = json.dumps(schema, separators=(",", ":"))
    system = f"{_fill(prompt.system, values)}\n\n{DATA_NOTICE}"
    place = next(match for match in BRACES.finditer(prompt.user) if match[2] == "report")
    before, after = prompt.user[: place.start()], prompt.user[place.end() :]
    return system, (_fill(before, values), _fill(after, values))


def _fill(text: str, values: Mapping[str, str]) -> str:
    """Put values for placeholders, in one pass: what is put in is not looked at again."""
    return BRACES.sub(
        lambda match: f"{{{match[1]}}}" if match[2] is None else values[match[2]], text
    )


def categories(kb: KnowledgeBase) -> str:
    """The names of the categories that an answer may use, one line for each group."""
    groups: dict[str, list[str]] = {}
    for entry in kb.entries.values():
        if not entry.vague:
            groups.setdefault(entry.group, []).append(entry.name)
    return "\n".join(f"- {group}: {', '.join(names)}" for group, names in groups.items())


def report_block(report: Report) -> str:
    """The report as data, between markers that its own text cannot close.

    The key of the markers is a hash of the text, taken again until the text does not hold it. The
    parts that state no findings (indication, comparison, technique) are left out, as the rules
    leave them out; the report's id is not sent.

    Args:
        report: With at least one section.

    Returns:
        The block; a section's name stands above it where there are several.
    """
    parts: list[str] = []
    for section, text in report.sections.items():
        read = "\n".join(text[begin:end].strip() for begin, end in read_spans(text)).strip()
        if read:
            parts.append(f"{section}:\n{read}" if len(report.sections) > 1 else read)
    body = "\n\n".join(parts)
    key = hashlib.blake2b(body.encode(errors="surrogatepass"), digest_size=8).hexdigest()
    while key in body:
        key = hashlib.blake2b(key.encode(), digest_size=8).hexdigest()
    return f"<report {key}>\n{body}\n</report {key}>"
