"""What a provider's batch service is asked, and how its answers are read. No network."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from iki_knowledge import KnowledgeBase, load_knowledge

from gpt_ie.answer import AnswerError, json_schema, normalise_answer
from gpt_ie.answer_text import parse_answer
from gpt_ie.ground import OnUnsupported, apply_unsupported, ground
from gpt_ie.llm.models import parse_model
from gpt_ie.prompt import load_prompt, prompt_key, prompt_model, render
from gpt_ie.rules.engine import RulesEngine
from gpt_ie.schema import EngineError, Report, ReportFindings, Usage


class BatchForm:
    """What a batch asks of a model, and how its answers are read.

    Attributes:
        name: Of the engine, as written with each result.
        key: A hash of model, prompt, schema, dictionary and settings; the same form reads what it
            wrote.
        model: The model, with its provider's name for it.
    """

    def __init__(
        self,
        model: str,
        prompt: str | Path = "default",
        kb: KnowledgeBase | None = None,
        *,
        base_url: str | None = None,
        max_tokens: int = 4096,
        unsupported: OnUnsupported = "flag",
    ) -> None:
        """Prepare; no key is needed.

        Args:
            model: As for `gpt_ie.LLMEngine`.
            prompt: "default", "paper", or a Markdown file.
            kb: The dictionary; None for the packaged one.
            base_url: As for `gpt_ie.LLMEngine`.
            max_tokens: Of one answer.
            unsupported: What happens to findings that are not grounded.

        Raises:
            ModelError: When the model string names nothing.
            PromptError: When the prompt cannot be used.
        """
        self.model = parse_model(model, base_url)
        self._prompt = load_prompt(prompt)
        self._kb = load_knowledge() if kb is None else kb
        self._rules = RulesEngine(self._kb)
        self._schema = prompt_model(self._prompt, self._kb)
        self._max_tokens = max_tokens
        self._unsupported: OnUnsupported = unsupported
        self.name = f"{self.model.label}+{self._prompt.name}@{self._prompt.version}"
        asked = json.dumps([prompt_key(self._prompt, self._kb), self._kb.version, max_tokens])
        self.key = f"{self.name}+{hashlib.blake2b(asked.encode(), digest_size=8).hexdigest()}"

    def messages(self, report: Report) -> list[Mapping[str, str]]:
        """The chat that asks for one report's findings."""
        return [
            {"role": message["role"], "content": message["content"]}
            for message in render(self._prompt, report, self._kb)
        ]

    def body(self) -> dict[str, object]:
        """What each request has beside model and messages: the limit, and the answer's schema."""
        limit = "max_completion_tokens" if self.model.reasons else "max_tokens"
        settings: dict[str, object] = {limit: self._max_tokens}
        if not self.model.reasons:
            settings["temperature"] = 0
        if self._prompt.format == "json":
            schema = {"name": "Answer", "schema": json_schema(self._schema), "strict": True}
            settings["response_format"] = {"type": "json_schema", "json_schema": schema}
        return settings

    def parse(self, report: Report, content: str, usage: Usage | None) -> ReportFindings:
        """A model's words as grounded findings.

        Raises:
            EngineError: When they are no answer; the message quotes nothing of them.
        """
        try:
            answer = parse_answer(content, self._prompt.format, self._schema)
        except AnswerError as error:
            raise EngineError(str(error)) from None
        found = ground(report, normalise_answer(answer, self._kb).drafts, self._rules)
        return ReportFindings(
            report_id=report.report_id,
            engine=self.name,
            knowledge=self._kb.version,
            findings=apply_unsupported(found, self._unsupported),
            usage=usage,
        )
