"""From the name of public weights to a file on this machine: a local cache, else a download.

A copy in the cache is used without asking the hub, so that the same machine gives the same model
tomorrow. There is no way from here to random weights: what is not to be had is an error.
"""

import os
import re
import sys
import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

from medfilip_model.errors import ConfigError

# Longest wait for the hub's first answer in seconds; a hub that hangs counts as out of reach.
_TIMEOUT = 4.0
_SIDE_FILES = ("*.json", "*.txt", "*.model")
_TOKENIZERS = ("tokenizer.json", "vocab.txt", "vocab.json", "spiece.model")


def hub_file(repository: str, names: Sequence[str], *, setting: str, advice: str = "") -> Path:
    """Find one file of a Hugging Face repository.

    Args:
        repository: OWNER/NAME.
        names: The file's possible names, the wanted one first.
        setting: The setting that asked for it, such as ``"model.image.weights"``.
        advice: What else to set where the file is given by its path.

    Returns:
        Its path in the local hub cache.

    Raises:
        ConfigError: If it is not there and cannot be fetched.
    """
    from huggingface_hub import hf_hub_download, try_to_load_from_cache

    for name in names:
        if isinstance(found := try_to_load_from_cache(repository, name), str):
            return Path(found)
    held, problem = _files_on_hub(repository)
    name = next((name for name in names if name in held), None)
    if name is None:
        _refuse(repository, names[0], problem or "the hub's copy has no such file", setting, advice)
    try:
        with _quiet_bars():
            return Path(hf_hub_download(repository, name))
    except Exception as error:
        # The client lets its transport's errors through.
        _refuse(repository, name, _first_line(error), setting, advice)


def hub_folder(repository: str, *, setting: str) -> Path:
    """Find the folder with a model's configuration and tokenizer, which are small files.

    Args:
        repository: OWNER/NAME.
        setting: The setting that asked for it.

    Returns:
        Its folder in the local hub cache.

    Raises:
        ConfigError: If it is not there and cannot be fetched.
    """
    from huggingface_hub import snapshot_download, try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        found = try_to_load_from_cache(repository, "config.json")
    except HFValidationError as error:
        raise ConfigError(f"{setting} = {repository!r}: neither a folder nor a hub name") from error
    if isinstance(found, str) and _has_tokenizer(Path(found).parent):
        return Path(found).parent
    _, problem = _files_on_hub(repository)
    if not problem:
        try:
            with _quiet_bars():
                return Path(snapshot_download(repository, allow_patterns=list(_SIDE_FILES)))
        except Exception as error:
            # As in `hub_file`.
            problem = _first_line(error)
    raise ConfigError(
        f"{setting}: {repository!r} is not in the local hub cache and cannot be fetched "
        f"({problem}). On a connected machine run 'hf download {repository}'; copy its files into "
        f"a folder here and give '--set {setting}=FOLDER'"
    )


def _has_tokenizer(folder: Path) -> bool:
    return any((folder / name).is_file() for name in _TOKENIZERS)


def _files_on_hub(repository: str) -> tuple[list[str], str]:
    """Names of a repository's files, or the reason why the hub gave none in time."""
    from huggingface_hub import HfApi
    from huggingface_hub.constants import is_offline_mode

    if is_offline_mode() or os.environ.get("HF_HUB_OFFLINE", "0") not in ("", "0"):
        return [], "HF_HUB_OFFLINE is set"
    answer: list[list[str]] = []
    problems: list[str] = []

    def ask() -> None:
        try:
            info = HfApi().model_info(repository, timeout=_TIMEOUT)
            answer.append([file.rfilename for file in info.siblings or ()])
        except Exception as error:
            # Whatever a proxy, a resolver or a blocked socket raises, the hub is out of reach.
            problems.append(_first_line(error))

    # A name look-up can outlast any socket timeout: only a thread that may be left bounds the wait.
    thread = threading.Thread(target=ask, daemon=True, name="medfilip-hub-probe")
    thread.start()
    thread.join(_TIMEOUT)
    if answer:
        return answer[0], ""
    return [], problems[0] if problems else f"the hub was silent for {_TIMEOUT:g} s"


def url_file(url: str, *, setting: str) -> Path:
    """Find a file that a library publishes by address, in torch's own cache folder.

    Args:
        url: As the library names it.
        setting: The setting that asked for it.

    Returns:
        Its path.

    Raises:
        ConfigError: If it is not there and cannot be fetched.
    """
    import torch

    path = Path(torch.hub.get_dir()) / "checkpoints" / url.rsplit("/", 1)[-1]
    if path.is_file():
        return path
    # The name of such a file ends with the start of its hash.
    hashed = re.search(r"-([0-9a-f]{8,})\.", path.name)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        torch.hub.download_url_to_file(url, str(path), hashed and hashed[1], progress=False)
    except Exception as error:
        raise ConfigError(
            f"{setting}: {path.name!r} is not in {str(path.parent)!r} and cannot be fetched "
            f"({_first_line(error)}). On a connected machine run 'curl -LO {url}'; copy the file "
            f"into that folder, or anywhere and give '--set {setting}=FILE'; or start from random "
            f"weights with '--set {setting}=none'"
        ) from error
    return path


@contextmanager
def _quiet_bars() -> Generator[None]:
    """Hide the client's progress bars where nobody looks at them."""
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


def _first_line(error: Exception) -> str:
    """An error in one line: its kind and the first line of what it says."""
    text = str(error).strip()
    return f"{type(error).__name__}: {text.splitlines()[0]}" if text else type(error).__name__


def _refuse(repository: str, name: str, problem: str, setting: str, advice: str) -> NoReturn:
    from huggingface_hub.constants import HF_HUB_CACHE

    raise ConfigError(
        f"{setting}: {name!r} of {repository!r} is not in the local hub cache and cannot be "
        f"fetched ({problem}). On a connected machine run 'hf download {repository} {name}'; copy "
        f"the file here and give '--set {setting}=FILE{advice}', or copy the folder "
        f"'models--{repository.replace('/', '--')}' of that machine's hub cache into "
        f"{HF_HUB_CACHE!r}; or start from random weights with '--set {setting}=none'"
    )
