"""A model of the user's own: ``module:function``."""

import hashlib
import importlib
import importlib.util
import inspect
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn

from medfilip_bench.errors import ModelError
from medfilip_bench.files import hash_of
from medfilip_bench.models.base import ImageEncoder, LoadedModel
from medfilip_bench.models.identity import hash_weights, slug

DEFAULT_SIZE = 224
# What a model of the user's own is asked once, so that its answers tell it from another.
_PROBES = 3
_INSTALLED = "site-packages"
_PROBE_TEXTS = ("This is an X-ray image of pneumonia.", "no acute cardiopulmonary finding")


def is_importable(module: str) -> bool:
    """Return whether a module can be found, here or among the installed ones."""
    with _here_first():
        try:
            return importlib.util.find_spec(module) is not None
        except (ImportError, ValueError, AttributeError):
            return False


def load_custom(spec: str, device: str) -> LoadedModel:
    """Call a function of the user's own that makes a model.

    Args:
        spec: ``package.module:function``; modules of the working directory are found. The function
            takes no arguments and returns an object with ``encode_image`` and ``encode_text``
            (`ImageTextModel`, or another Protocol of `medfilip_bench.models.base`), or a
            `LoadedModel`. Attributes ``size`` (224 where there is none) and ``trained_on`` of the
            object are read.
        device: Where an `nn.Module` is put; its ``encode_image`` takes its images there.

    Raises:
        ModelError: If the module or function fails or is missing, or returns something else.
    """
    module, function = _function(spec)
    try:
        made = function()
    except Exception as error:
        raise ModelError(f"{spec!r}: the function failed: {_line(error)}") from error
    if isinstance(made, LoadedModel):
        if not made.sha256:
            raise ModelError(f"{spec!r} returned a LoadedModel whose sha256 is empty")
        return replace(made, spec=spec)
    if not isinstance(made, ImageEncoder):
        raise ModelError(
            f"{spec!r} returned a {type(made).__name__}; it should return an object with the "
            "methods encode_image(images) and encode_text(texts), or a LoadedModel"
        )
    size = getattr(made, "size", DEFAULT_SIZE)
    if not isinstance(size, int) or isinstance(size, bool) or size < 1:
        raise ModelError(f"{spec!r}: size is the side of its images in pixels, got {size!r}")
    if isinstance(made, nn.Module):
        made = made.eval().to(device)
    words = getattr(made, "trained_on", None)
    return LoadedModel(
        name=slug(spec),
        spec=spec,
        model=made,
        sha256=fingerprint(spec, made, module, size),
        size=size,
        trained_on=words if isinstance(words, str) else "not told by the model's author",
        template=None,
        device=device if isinstance(made, nn.Module) else "cpu",
    )


def fingerprint(spec: str, model: ImageEncoder, module: ModuleType, size: int) -> str:
    """Hash what decides an unknown model's answers: its sources, its weights, and some answers.

    Sources are those of every loaded module that lies beside the model's own, so that a change in
    a helper counts. Weights are those of the model and of the modules that it holds. Answers to a
    few fixed images and texts count too: weights may lie anywhere, on another machine even.

    Args:
        spec: The model, for messages.
        model: The model.
        module: Where its function is defined.
        size: Side of its images.

    Raises:
        ModelError: If it does not answer.
    """
    held = [model, *(vars(model).values() if hasattr(model, "__dict__") else ())]
    weights = [hash_weights(part) for part in held if isinstance(part, nn.Module)]
    return hash_of([spec, size, _sources(module), weights, _answers(spec, model, size)])


def _function(spec: str) -> tuple[ModuleType, Any]:
    name, _, path = spec.partition(":")
    with _here_first():
        try:
            module = importlib.import_module(name)
        except Exception as error:
            raise ModelError(f"{spec!r}: importing {name!r} failed: {_line(error)}") from error
    found = getattr(module, path, None)
    if not callable(found):
        own = [
            key
            for key, value in vars(module).items()
            if inspect.isfunction(value) and value.__module__ == name and not key.startswith("_")
        ]
        raise ModelError(
            f"{spec!r}: {name!r} has no function {path!r}; it has {', '.join(own) or 'none'}"
        )
    return module, found


def _sources(module: ModuleType) -> str:
    """Hash the sources of what is loaded of a module's package, or of its folder."""
    digest = hashlib.sha256()
    top = sys.modules[module.__name__.partition(".")[0]]
    start = top.__file__ or module.__file__
    if start is None:
        return digest.hexdigest()
    first = Path(start)
    # Beside an installed module lie other people's.
    alone = first.name != "__init__.py" and _INSTALLED in first.parts
    root = first if alone else first.parent
    files = {
        Path(file)
        for other in list(sys.modules.values())
        if isinstance(file := getattr(other, "__file__", None), str) and file.endswith(".py")
    }
    for path in sorted(file for file in files if file.is_relative_to(root)):
        inside = path.relative_to(root.parent)
        if _INSTALLED not in inside.parts[1:] and path.is_file():
            digest.update(str(inside).encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


def _answers(spec: str, model: Any, size: int) -> list[str]:  # noqa: ANN401 - asked what it has
    generator = torch.Generator().manual_seed(0)
    shape = (_PROBES, 1, size, size)
    images = torch.randint(0, 256, shape, generator=generator, dtype=torch.uint8)
    asked: dict[str, tuple[Any, ...]] = {
        "encode_image": (images,),
        "encode_text": (list(_PROBE_TEXTS),),
        "score_texts": (images, list(_PROBE_TEXTS)),
        "score_classes": (images,),
    }
    found: list[str] = []
    for name, arguments in asked.items():
        if not hasattr(model, name):
            continue
        try:
            with torch.inference_mode():
                answer = getattr(model, name)(*arguments)
        except Exception as error:
            raise ModelError(f"{spec!r}: {name} failed: {_line(error)}") from error
        rows = len(_PROBE_TEXTS) if name == "encode_text" else _PROBES
        found.append(_digest(spec, name, answer, rows))
    return found


def _digest(spec: str, name: str, answer: object, rows: int) -> str:
    if not isinstance(answer, Tensor) or answer.ndim != 2 or len(answer) != rows:
        got = list(answer.shape) if isinstance(answer, Tensor) else type(answer).__name__
        raise ModelError(
            f"{spec!r}: {name} should return a tensor of one row for each of its {rows} inputs, "
            f"got {got!r}"
        )
    values = answer.detach().float().cpu().contiguous().numpy()
    return hashlib.sha256(values.tobytes()).hexdigest()


@contextmanager
def _here_first() -> Generator[None]:
    """Find modules of the working directory, as ``python -m`` does; the path is then as before."""
    here = str(Path.cwd())
    sys.path.insert(0, here)
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.path.remove(here)


def _line(error: Exception) -> str:
    text = str(error).strip()
    return f"{type(error).__name__}: {text.splitlines()[0]}" if text else type(error).__name__


def is_custom(spec: str) -> bool:
    """Return whether a spec reads like ``package.module:function``."""
    module, colon, function = spec.partition(":")
    parts: Sequence[str] = module.split(".")
    return bool(colon) and function.isidentifier() and all(part.isidentifier() for part in parts)
