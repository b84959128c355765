"""From texts to token ids, with what goes wrong there said in words."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ssm.errors import EncoderError, shorten

_LOG = logging.getLogger("ssm")


@dataclass(eq=False)
class Tokens:
    """A tokenizer with the limits of the model behind it.

    Attributes:
        name: The encoder's name, for messages.
        tokenizer: A Hugging Face tokenizer.
        max_length: Tokens of a text that the model sees; the rest is cut, with one warning.
        vocabulary: Rows of the model's table of token vectors; None where it is not known.
    """

    name: str
    tokenizer: Any
    max_length: int
    vocabulary: int | None
    _said: bool = field(default=False, repr=False)

    def ids(self, texts: Sequence[str]) -> list[list[int]]:
        """Token ids of each text, cut at ``max_length``.

        Raises:
            EncoderError: A text has no token, or one that the model's table does not have.
        """
        tokens: list[list[int]] = self.tokenizer(
            list(texts), truncation=True, max_length=self.max_length, padding=False
        )["input_ids"]
        for text, ids in zip(texts, tokens, strict=True):
            self._check(text, ids)
        full = sum(len(ids) >= self.max_length for ids in tokens)
        if full and not self._said:
            self._said = True
            _LOG.warning(
                "%d of %d texts fill all %d tokens that %s sees: what lies beyond is cut "
                "(said once)",
                full,
                len(texts),
                self.max_length,
                self.name,
            )
        return tokens

    def _check(self, text: str, ids: list[int]) -> None:
        if not ids:
            raise EncoderError(
                f"encoder {self.name!r}: its tokenizer knows nothing in the text {shorten(text)}, "
                "which has no vector then: leave it out"
            )
        if self.vocabulary is not None and max(ids) >= self.vocabulary:
            raise EncoderError(
                f"encoder {self.name!r}: its tokenizer gives token {max(ids)} for the text "
                f"{shorten(text)}, but its model has {self.vocabulary} tokens: tokenizer and "
                "weights do not belong together, fetch both from one place"
            )
