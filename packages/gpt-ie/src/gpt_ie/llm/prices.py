"""What a million tokens cost: a small dated table, or what the user says. Unknown stays unknown."""

import re
import tomllib
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

from gpt_ie.llm.models import Model
from gpt_ie.schema import GptIeError

_MILLION = 1_000_000
_SNAPSHOT = re.compile(r"(?:-(?:\d{4}-\d{2}-\d{2}|\d{8}|latest))?")


class PriceError(GptIeError):
    """A price that is none."""


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars for a million tokens.

    Attributes:
        prompt: Sent.
        completion: Received.
        source: Where it is from, for the summary: "given", "free", or the table's date.
    """

    prompt: float
    completion: float
    source: str = "given"

    def cost(self, prompt_tokens: float, completion_tokens: float) -> float:
        """Dollars for some tokens."""
        return (prompt_tokens * self.prompt + completion_tokens * self.completion) / _MILLION


def parse_price(text: str) -> Price:
    """Read ``"0.15,0.60"``: dollars for a million tokens sent, and received.

    Raises:
        PriceError: When it is not two numbers of at least 0.
    """
    parts = text.split(",")
    try:
        prompt, completion = (float(part) for part in parts)
    except ValueError:
        prompt = completion = float("nan")
    if not (0 <= prompt < float("inf") and 0 <= completion < float("inf")):
        raise PriceError(
            f"{text!r} is no price; write dollars for a million tokens sent and received, "
            "e.g. 0.15,0.60"
        )
    return Price(prompt, completion)


def price_of(model: Model) -> Price | None:
    """The price of a model.

    Args:
        model: The model.

    Returns:
        Free for a model on this machine that gpt-ie or ollama runs; from the table for a
        provider's model, its dated snapshots included; None where it is not known.
    """
    if model.provider in ("gguf", "ollama"):
        return Price(0.0, 0.0, "free")
    table = _table()
    for name, (prompt, completion) in table.get(model.provider, {}).items():
        rest = model.name.removeprefix(name)
        if rest != model.name and _SNAPSHOT.fullmatch(rest):
            return Price(prompt, completion, f"table of {table['as_of']}")
    return None


@lru_cache(maxsize=1)
def _table() -> dict[str, Any]:
    return tomllib.loads((files("gpt_ie.llm") / "prices.toml").read_text(encoding="utf-8"))
