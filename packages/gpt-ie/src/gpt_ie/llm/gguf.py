"""A model file run in this process by llama.cpp, behind an endpoint for this process alone."""

import gc
import hashlib
import importlib
import os
import secrets
from pathlib import Path
from typing import Any

from gpt_ie.schema import EngineUnavailableError

# For a repetition after an answer that ran on to its limit: small models turn in circles.
AGAINST_CIRCLES = {"repeat_penalty": 1.2, "repeat_last_n": 256}
_MAGIC = b"GGUF"
_HEAD = 1 << 20
_SILENT = -1
_MOST_AT_ONCE = 4


def fingerprint(path: Path) -> str:
    """What tells one model file from another, without reading gigabytes.

    Args:
        path: A ``.gguf`` file.

    Returns:
        16 hexadecimal digits of its size and first megabyte.

    Raises:
        EngineUnavailableError: When there is no such file, or it is of another format.
    """
    try:
        with path.open("rb") as stream:
            head = stream.read(_HEAD)
        size = path.stat().st_size
    except OSError as error:
        raise EngineUnavailableError(
            f"cannot read the model {str(path)!r}: {error.strerror}; --model gguf:FILE needs a file"
        ) from error
    if not head.startswith(_MAGIC):
        raise EngineUnavailableError(
            f"{str(path)!r} is no GGUF file: it does not begin with 'GGUF'"
        )
    return hashlib.blake2b(head + str(size).encode(), digest_size=8).hexdigest()


class LocalServer:
    """llama.cpp's server on a free port of the loopback address; answers only with its own key.

    Attributes:
        url: Base of its endpoint, with ``/v1``.
        key: What a request must carry; drawn anew for each server.
    """

    def __init__(self, path: Path, *, context: int = 8192, at_once: int = 1) -> None:
        """Load the model and start to listen; takes seconds.

        Args:
            path: A ``.gguf`` file.
            context: Tokens of prompt and answer together, for each request.
            at_once: Requests that are computed together, at most 4; the others wait their turn.

        Raises:
            EngineUnavailableError: When the extra is not installed or the file cannot be loaded.
        """
        fingerprint(path)
        try:
            llama: Any = importlib.import_module("xllamacpp")
        except ImportError as error:
            raise EngineUnavailableError(
                "a model file needs llama.cpp: pip install 'gpt-ie[local]' (or uv sync --extra "
                "local)"
            ) from error
        self.key = secrets.token_urlsafe(24)
        try:
            self._server: Any = llama.Server(
                _parameters(llama, path, self.key, context, min(at_once, _MOST_AT_ONCE))
            )
            self.url = f"{self._server.listening_address}/v1"
        except RuntimeError as error:
            raise EngineUnavailableError(
                f"llama.cpp cannot load {str(path)!r}: is it a chat model in GGUF, complete, and "
                "small enough for this machine's memory?"
            ) from error

    def close(self) -> None:
        """Stop listening and free the model; a second call does nothing."""
        self._server = None
        gc.collect()


def _parameters(llama: Any, path: Path, key: str, context: int, at_once: int) -> Any:  # noqa: ANN401 - llama.cpp's own, untyped
    parameters = llama.CommonParams()
    parameters.model.path = str(path)
    parameters.hostnames = ["127.0.0.1"]
    parameters.port = 0
    parameters.api_keys = [key]
    parameters.n_parallel = at_once
    parameters.n_ctx = context * at_once
    # Those this process may use: more threads than cores wait for each other at every layer.
    parameters.cpuparams.n_threads = _cores()
    parameters.verbosity = _SILENT
    # Nothing but the endpoint itself, and no cache of prompts beyond those under way.
    parameters.ui = False
    parameters.endpoint_slots = False
    parameters.endpoint_props = False
    parameters.cache_ram_mib = 0
    parameters.warmup = False
    return parameters


def _cores() -> int:
    """Cores that this process may run on, which a container or ``taskset`` may have made fewer."""
    affinity = getattr(os, "sched_getaffinity", None)  # not on macOS and Windows
    return len(affinity(0)) if affinity else os.cpu_count() or 1
