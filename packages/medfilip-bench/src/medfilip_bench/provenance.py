"""What a result rests on: versions, code, machine."""

import hashlib
import os
import platform
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch

_PACKAGES = ("medfilip-bench", "medfilip-model", "medfilip-ssm", "gpt-ie", "iki-knowledge")
_MODULES = ("medfilip_bench", "medfilip_model", "ssm", "gpt_ie", "iki_knowledge")
_LIBRARIES = ("torch", "timm", "numpy", "scikit-learn")
_SOURCES = {".py", ".yaml", ".toml", ".md"}
# What only shows figures: a new colour of a curve measures nothing anew.
_SHOWN = ("report/", "cli.py", "listing.py", "compare.py", "__main__.py")
_TEMPLATES = {".j2", ".css"}


def versions(knowledge: str) -> dict[str, str]:
    """Return the versions of packages, libraries and dictionary.

    Args:
        knowledge: Version of the dictionary.
    """
    found = {name: _version(name) for name in (*_PACKAGES, *_LIBRARIES)}
    return {"python": platform.python_version(), **found, "dictionary": knowledge}


def machine() -> Mapping[str, str]:
    """Return what the figures' times depend on."""
    device = torch.cuda.get_device_name(0) if torch.cuda.is_available() else "CPU only"
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
        "cores": str(os.cpu_count()),
        "device": device,
    }


@cache
def code_hash() -> str:
    """Return a hash of the sources of our own packages: code, too, changes a result."""
    digest = hashlib.sha256()
    for name in _MODULES:
        for place, path in _files(name, _SOURCES):
            if name != "medfilip_bench" or not place.startswith(_SHOWN):
                digest.update(place.encode())
                digest.update(path.read_bytes())
    return digest.hexdigest()


@cache
def report_hash() -> str:
    """Return a hash of what only shows figures, templates too: another makes a report anew."""
    digest = hashlib.sha256()
    for place, path in _files("medfilip_bench", _SOURCES | _TEMPLATES):
        if place.startswith(_SHOWN):
            digest.update(place.encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


def _files(module: str, kinds: set[str]) -> Iterator[tuple[str, Path]]:
    """Yield the files of a package, in order, each with its place in it."""
    root = Path(import_module(module).__file__ or "").parent
    for path in sorted(p for p in root.rglob("*") if p.suffix in kinds):
        yield path.relative_to(root).as_posix(), path


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def _processor() -> str:
    """Return the processor's name where the system tells it."""
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or "unknown"
