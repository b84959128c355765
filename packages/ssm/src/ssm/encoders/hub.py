"""From a model's name to a folder on this machine: a path, the local hub cache, or a download.

Loading happens from the folder alone, so that nothing below this module touches the network.
"""

import contextlib
import os
import re
import sys
import threading
from collections.abc import Generator
from pathlib import Path

from ssm.errors import EncoderError, EncoderUnavailableError

HUB_TIMEOUT_S = 4.0
"""Longest wait for the hub's first answer; a hub that hangs counts as out of reach."""

_WEIGHTS = (
    "model.safetensors",
    "model.safetensors.index.json",
    "pytorch_model.bin",
    "pytorch_model.bin.index.json",
)
_TOKENIZERS = ("tokenizer.json", "vocab.txt", "vocab.json", "spiece.model", "*.bpe.model")
_SIDE_FILES = ("*.json", "*.txt", "*.model")


def model_folder(name: str, model: str) -> Path:
    """Find the folder that holds a model, downloading it if need be and possible.

    A copy in the local hub cache is used as it is, without asking the hub for a newer one: the
    same machine gives the same answer tomorrow.

    Args:
        name: The encoder's whole name, for messages.
        model: A folder, or a name on the Hugging Face hub.

    Raises:
        EncoderError: The folder lacks a file, or this can be neither a folder nor a name.
        EncoderUnavailableError: The folder does not exist, or the model is not in the cache and
            the hub is out of reach.
    """
    path = Path(model).expanduser()
    if path.is_dir():
        lacking = _lacking(path)
        if lacking:
            raise EncoderError(f"encoder {name!r}: the folder lacks {' and '.join(lacking)}")
        return path.resolve()
    if path.exists():
        raise EncoderError(f"encoder {name!r}: {model!r} is a file, give the model's folder")
    if not re.fullmatch(r"[\w-][\w.-]*(/[\w-][\w.-]*)?", model):
        raise EncoderUnavailableError(
            f"encoder {name!r}: there is no folder {model!r}, and a hub name looks like OWNER/NAME"
        )
    return cached_folder(model) or _download(name, model)


def cached_folder(model: str) -> Path | None:
    """The complete copy of a model in the local hub cache, if there is one."""
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        config = try_to_load_from_cache(model, "config.json")
    except HFValidationError:
        return None
    # Not snapshot_download(local_files_only=True): it misses the files that were never wanted.
    if not isinstance(config, str) or _lacking(Path(config).parent):
        return None
    return Path(config).parent


def _lacking(folder: Path) -> list[str]:
    # sentence-transformers models may keep the first module's files in a folder of their own.
    first = next(iter(sorted(folder.glob("0_*/"))), folder)
    places = (folder, first) if (folder / "modules.json").is_file() else (folder,)
    lacking: list[str] = []
    if not any((place / "config.json").is_file() for place in places):
        lacking.append("config.json")
    if not any((place / weights).is_file() for place in places for weights in _WEIGHTS):
        lacking.append("weights (model.safetensors or pytorch_model.bin)")
    if not any(any(place.glob(pattern)) for place in places for pattern in _TOKENIZERS):
        lacking.append("a tokenizer (tokenizer.json or vocab.txt)")
    return lacking


def _download(name: str, model: str) -> Path:
    from huggingface_hub import snapshot_download

    files, problem = _files_on_hub(model)
    if problem is None:
        try:
            with _bars_on_a_terminal_only():
                folder = Path(
                    snapshot_download(model, allow_patterns=_wanted(files), endpoint=_endpoint())
                )
        except Exception as error:
            # As below: the client lets its transport's errors through.
            problem = f"the download failed ({_first_line(error)})"
        else:
            lacking = _lacking(folder)
            if not lacking:
                return folder
            raise EncoderError(f"encoder {name!r}: the hub's copy lacks {' and '.join(lacking)}")
    raise EncoderUnavailableError(_advice(name, model, problem))


def _wanted(files: list[str]) -> list[str]:
    """Small files, and one kind of weights: safetensors wherever the repository has them."""
    root = [file for file in files if "/" not in file]
    safe = any(file.endswith(".safetensors") for file in root)
    return [*_SIDE_FILES, "*model*.safetensors" if safe else "pytorch_model*.bin"]


def _files_on_hub(model: str) -> tuple[list[str], str | None]:
    """Names of the files on the hub, or the reason why the hub gave none in time."""
    from huggingface_hub import HfApi, constants
    from huggingface_hub.errors import HfHubHTTPError

    if constants.is_offline_mode() or os.environ.get("HF_HUB_OFFLINE", "0") not in ("", "0"):
        return [], "HF_HUB_OFFLINE is set"
    answer: list[list[str]] = []
    problems: list[str] = []

    def ask() -> None:
        try:
            info = HfApi(endpoint=_endpoint()).model_info(model, timeout=HUB_TIMEOUT_S)
            answer.append([file.rfilename for file in info.siblings or ()])
        except HfHubHTTPError as error:
            problems.append(f"the hub does not give it ({_first_line(error)})")
        except Exception as error:
            # Whatever a proxy, a resolver or a blocked socket raises, the hub is out of reach.
            problems.append(f"the hub did not answer ({_first_line(error)})")

    # A name look-up can outlast any socket timeout: only a thread that may be left bounds the wait.
    thread = threading.Thread(target=ask, daemon=True, name="ssm-hub-probe")
    thread.start()
    thread.join(HUB_TIMEOUT_S)
    if answer:
        return answer[0], None
    return [], problems[0] if problems else f"the hub was silent for {HUB_TIMEOUT_S:g} s"


def _endpoint() -> str | None:
    """The hub's address, if it is another than usual: read now, where the client did at import."""
    return os.environ.get("HF_ENDPOINT") or None


@contextlib.contextmanager
def _bars_on_a_terminal_only() -> Generator[None]:
    from huggingface_hub.utils import (
        are_progress_bars_disabled,
        disable_progress_bars,
        enable_progress_bars,
    )

    if sys.stderr.isatty() or are_progress_bars_disabled():
        yield
        return
    disable_progress_bars()
    try:
        yield
    finally:
        enable_progress_bars()


def _advice(name: str, model: str, problem: str | None) -> str:
    from huggingface_hub import constants

    kind = name.partition(":")[0]
    files = "config.json, model.safetensors (or pytorch_model.bin), tokenizer.json (or vocab.txt)"
    more = ", modules.json and the folders that it names" if kind == "st" else ""
    return (
        f"encoder {name!r} is not in the local hub cache and {problem}. On a connected machine run "
        f"'hf download {model}' and copy the folder 'models--{model.replace('/', '--')}' of its "
        f"hub cache into {constants.HF_HUB_CACHE!r} here; or fetch {files}{more} into any folder "
        f"and give '{kind}:FOLDER' in place of the name"
    )


def _first_line(error: Exception) -> str:
    text = str(error).strip()
    return f"{type(error).__name__}: {text.splitlines()[0]}" if text else type(error).__name__
