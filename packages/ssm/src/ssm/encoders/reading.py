"""Reading a model's files, which may be damaged, of another kind, or out to run code.

No code that comes with a model is run: neither Python files (``auto_map``, own module classes) nor
pickles that hold more than tensors.
"""

import contextlib
import hashlib
import json
import logging
import re
from collections.abc import Generator
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from safetensors import SafetensorError

from ssm.encoders.protocol import require_extra
from ssm.errors import EncoderError, EncoderUnavailableError

_UNSTATED = 100_000  # Tokenizers without a limit of their own state an astronomic one.


@contextlib.contextmanager
def reading(name: str) -> Generator[list[str]]:
    """Read a model's files inside: in silence, and with every failure as an error of ours.

    Yields:
        The weights that the files lacked, filled in when the block ends without an error: the
        libraries fill them with random numbers, and go on.
    """
    missing: list[str] = []
    try:
        with _silence(missing):
            yield missing
    except EncoderError:
        raise
    except ImportError as error:
        raise EncoderUnavailableError(
            f"encoder {name!r} needs a package that is not installed: {_first_line(error)}"
        ) from error
    except Exception as error:
        # A file that is not what it should be makes the readers raise almost anything.
        raise EncoderError(f"encoder {name!r} cannot be read: {_cause(error)}") from error
    # The pooler is not used, and many checkpoints lack it.
    needed = [key for key in missing if "pooler." not in key]
    if needed:
        raise EncoderError(
            f"encoder {name!r}: {len(needed)} weights are not in the file, first {needed[0]!r}: "
            "config.json and weights do not belong together"
        )


def read_model(name: str, folder: Path) -> tuple[Any, Any]:
    """Read a text encoder in float32, and its tokenizer, from a folder; no network, no own code.

    Raises:
        EncoderError: The files hold no text encoder, or not all of its weights.
        EncoderUnavailableError: transformers, or a package that the tokenizer needs, is missing.
    """
    require_extra(name, "transformers", "hf")
    from transformers import AutoConfig, AutoModel, AutoTokenizer

    options: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
    refuse_own_code(name, folder)
    with reading(name) as missing:
        config = AutoConfig.from_pretrained(folder, **options)
        if config.is_encoder_decoder or not hasattr(config, "hidden_size"):
            raise other_kind(name, config)
        # Weights first: a folder of another kind has no tokenizer worth a message.
        model, info = AutoModel.from_pretrained(
            folder, dtype=torch.float32, output_loading_info=True, **options
        )
        if model.main_input_name != "input_ids":
            raise other_kind(name, config)
        tokenizer = AutoTokenizer.from_pretrained(folder, **options)
        missing[:] = sorted(info["missing_keys"])
    return model.eval(), tokenizer


def refuse_own_code(name: str, folder: Path) -> None:
    """Refuse a model that brings Python code, before anything of it is read by a library.

    A library's own class of the same name may load such weights too, but it is another model than
    the one that its author published.

    Raises:
        EncoderError: A configuration names a class of its own, or is no JSON.
    """
    for path in sorted({*folder.glob("*.json"), *folder.glob("*/*config.json")}):
        if path.name in ("tokenizer.json", "vocab.json"):
            continue  # Large, and never a place for a class.
        try:
            content = json.loads(path.read_bytes())
        except (OSError, ValueError) as error:
            raise EncoderError(
                f"encoder {name!r} cannot be read: {path.name!r} is no JSON ({error})"
            ) from error
        own = _own_classes(content)
        if own:
            raise EncoderError(
                f"encoder {name!r}: {path.name!r} asks for Python code of its own ({own[0]}), "
                "which is never run; use a model that needs none"
            )


def _own_classes(content: Any) -> list[str]:  # noqa: ANN401 - whatever JSON holds
    if isinstance(content, dict):
        found = [f"auto_map: {content['auto_map']}"] if content.get("auto_map") else []
        kind = content.get("type")
        # modules.json of sentence-transformers: one entry a module, with path and class.
        if "path" in content and isinstance(kind, str):
            found += [] if kind.startswith("sentence_transformers.") else [f"class {kind}"]
        return found + [each for value in content.values() for each in _own_classes(value)]
    if isinstance(content, list):
        return [each for value in content for each in _own_classes(value)]
    return []


def length_limit(model: Any, tokenizer: Any) -> int:  # noqa: ANN401 - no common type is exported
    """Tokens of a text that the model sees."""
    positions = int(getattr(model.config, "max_position_embeddings", None) or 512)
    if tokenizer.model_max_length < _UNSTATED:
        return min(int(tokenizer.model_max_length), positions)
    # RoBERTa-like models keep two positions for padding, and do not say so.
    return positions - 2


def vocabulary_size(model: Any) -> int | None:  # noqa: ANN401 - as above
    """Rows of a model's table of token vectors; None where a model has no single one."""
    try:
        return getattr(model.get_input_embeddings(), "num_embeddings", None)
    except NotImplementedError:
        return None


def weights_digest(model: torch.nn.Module) -> str:
    """Hash the weights that pooled token vectors depend on, whatever file they came from."""
    digest = hashlib.sha256()
    for key, tensor in sorted(model.state_dict().items()):
        if "pooler." in key:
            continue
        digest.update(f"{key} {tensor.dtype} {list(tensor.shape)}\n".encode())
        digest.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy())
    return digest.hexdigest()


def other_kind(name: str, config: Any) -> EncoderError:  # noqa: ANN401 - as above
    """The error for a model that does not turn texts into token vectors."""
    return EncoderError(
        f"encoder {name!r}: a model of kind {config.model_type!r} is no plain text encoder; use a "
        "BERT-like one, or 'st:' for a sentence-transformers model"
    )


def _cause(error: Exception) -> str:
    text = str(error)
    if isinstance(error, UnpicklingError) or "weights_only" in text:
        return (
            "its weights are a pickle with more in it than tensors, or no pickle at all. Such a "
            "file can run code and is not loaded; get the model.safetensors of the same model"
        )
    if isinstance(error, SafetensorError):
        return f"its weights are cut short or damaged ({_first_line(error)}); fetch them again"
    return _first_line(error)


def _first_line(error: Exception) -> str:
    text = str(error).strip()
    return text.splitlines()[0] if text else type(error).__name__


class _Missing(logging.Handler):
    """Collects the rows of transformers' report about weights that it had to make up."""

    def __init__(self, missing: list[str]) -> None:
        super().__init__(logging.WARNING)
        self._missing = missing

    def emit(self, record: logging.LogRecord) -> None:
        plain = re.sub(r"\x1b\[[0-9;]*m", "", record.getMessage())
        self._missing += re.findall(r"^(\S.*?)\s*\|\s*MISSING\b", plain, flags=re.MULTILINE)


@contextlib.contextmanager
def _silence(missing: list[str]) -> Generator[None]:
    """Hide transformers' bars, shown even without a terminal, and its table of odd weights.

    What matters of the table, weights that are missing, is an error of ours; through other
    libraries it can be had from the table alone.
    """
    from transformers.utils import logging as theirs

    library = logging.getLogger("transformers")
    shown = theirs.is_progress_bar_enabled()
    before = library.handlers, library.propagate, library.level
    theirs.disable_progress_bar()
    library.handlers, library.propagate = [_Missing(missing)], False
    library.setLevel(logging.WARNING)
    try:
        yield
    finally:
        library.handlers, library.propagate = before[:2]
        library.setLevel(before[2])
        if shown:
            theirs.enable_progress_bar()
