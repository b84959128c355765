"""Which model a string names, where it is reached, and with which key."""

import difflib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args
from urllib.parse import urlsplit

from gpt_ie.datause import is_local
from gpt_ie.schema import EngineUnavailableError, GptIeError

Mode = Literal["json_schema", "tools", "json", "md_json"]
MODES: tuple[Mode, ...] = get_args(Mode)
Provider = Literal["openai", "anthropic", "ollama", "gguf", "compatible"]

# Anthropic is reached through its endpoint that speaks OpenAI's protocol.
_URLS = {
    "openai": "https://api.openai.com/v1",
    "anthropic": "https://api.anthropic.com/v1",
    "ollama": "http://127.0.0.1:11434/v1",
}
_KEYS = {"openai": "OPENAI_API_KEY", "anthropic": "ANTHROPIC_API_KEY"}
# The key of a provider is never sent to another host; one given with --base-url has its own.
COMPATIBLE_KEY = "GPT_IE_API_KEY"
_REASONING = ("gpt-5", "o1", "o3", "o4")
_FORMS = "'openai/NAME', 'anthropic/NAME', 'ollama/NAME', 'gguf:FILE', or NAME with --base-url URL"


class ModelError(GptIeError):
    """A model string, a mode or a URL that names nothing."""


@dataclass(frozen=True, slots=True)
class Model:
    """A model and how it is reached.

    Attributes:
        label: For results and keys: ``"openai/gpt-x"``, or the name where a URL was given.
        provider: Who runs it; "compatible" for a URL, "gguf" for a file run in this process.
        name: As the endpoint calls it.
        url: Base of the endpoint; None for a file.
        path: The file; None for an endpoint.
    """

    label: str
    provider: Provider
    name: str
    url: str | None = None
    path: Path | None = None

    @property
    def loopback(self) -> bool:
        """Whether what is sent stays on this machine."""
        return self.url is None or is_local(self.url)

    @property
    def default_mode(self) -> Mode:
        """How the answer's shape is asked for: a provider's own tools, or else a JSON schema."""
        return "tools" if self.provider in _KEYS else "json_schema"

    @property
    def reasons(self) -> bool:
        """Whether it is one of OpenAI's that think first and refuse any temperature but theirs."""
        return self.provider == "openai" and self.name.startswith(_REASONING)


def parse_model(text: str, base_url: str | None = None) -> Model:
    """Read a model string.

    Args:
        text: ``openai/NAME``, ``anthropic/NAME``, ``ollama/NAME``, ``gguf:FILE``; with a URL, the
            name as that server calls it, slashes and all.
        base_url: An endpoint that speaks OpenAI's protocol, up to and with its ``/v1``.

    Returns:
        The model; nothing is opened or called.

    Raises:
        ModelError: When it names no model; near names are suggested.
    """
    name = text.strip()
    if name.startswith("gguf:"):
        return _file(name, base_url)
    if not name:
        raise ModelError(f"the model has no name; write {_FORMS}")
    if base_url is not None:
        return Model(name, "compatible", name, _checked(base_url))
    provider, slash, rest = name.partition("/")
    if provider == "openai" and rest:
        return Model(name, "openai", rest, _URLS["openai"])
    if provider == "anthropic" and rest:
        return Model(name, "anthropic", rest, _URLS["anthropic"])
    if provider == "ollama" and rest:
        return Model(name, "ollama", rest, _URLS["ollama"])
    raise ModelError(f"unknown model {text!r}; write {_FORMS}{_near(provider, slash + rest)}")


def parse_mode(text: str) -> Mode:
    """Read a mode.

    Args:
        text: One of `MODES`.

    Returns:
        The mode.

    Raises:
        ModelError: With near ones.
    """
    for mode in MODES:
        if mode == text:
            return mode
    near = difflib.get_close_matches(text, MODES, n=1, cutoff=0.4)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise ModelError(f"unknown mode {text!r}; modes: {', '.join(MODES)}{hint}")


def api_key(model: Model, environ: Mapping[str, str] | None = None) -> str:
    """The key of a model from the environment.

    Args:
        model: The model.
        environ: The environment; None for the process's.

    Returns:
        The key; a placeholder where none is needed.

    Raises:
        EngineUnavailableError: When the provider needs one and it is not set.
    """
    values = os.environ if environ is None else environ
    variable = _KEYS.get(model.provider)
    if variable is None:
        found = values.get(COMPATIBLE_KEY, "") if model.provider == "compatible" else ""
        return found.strip() or "none"
    found = values.get(variable, "").strip()
    if not found:
        raise EngineUnavailableError(
            f"no key for {model.label!r}: set the environment variable {variable}, or run a model "
            "on this machine with --model gguf:FILE"
        )
    return found


def _file(name: str, base_url: str | None) -> Model:
    path = name.removeprefix("gguf:")
    if not path:
        raise ModelError("'gguf:' needs a file: gguf:FILE")
    if base_url is not None:
        raise ModelError(f"{name!r} runs in this process: leave --base-url {base_url!r} out")
    return Model(f"gguf:{Path(path).stem}", "gguf", Path(path).stem, path=Path(path).expanduser())


def _checked(base_url: str) -> str:
    parts = urlsplit(base_url.strip())
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ModelError(
            f"--base-url {base_url!r} is no address of a server; write it as "
            "http://127.0.0.1:8000/v1"
        )
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ModelError(
            f"--base-url may hold no user, password or query; the key goes into {COMPATIBLE_KEY}"
        )
    return base_url.strip().rstrip("/")


def _near(provider: str, rest: str) -> str:
    near = difflib.get_close_matches(provider.lower(), (*_URLS, "gguf"), n=2, cutoff=0.5)
    if near and rest.strip("/"):
        written = (f"gguf:{rest[1:]}" if name == "gguf" else name + rest for name in near)
        return f"; did you mean {' or '.join(map(repr, written))}?"
    if near:
        return f"; did you mean {near[0]!r}, and which model of it?"
    if not rest and provider.startswith(("gpt", "o1", "o3", "o4")):
        return f"; did you mean {'openai/' + provider!r}?"
    if not rest and provider.startswith("claude"):
        return f"; did you mean {'anthropic/' + provider!r}?"
    return ""
