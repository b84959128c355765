"""What importing each package loads and offers: ``python forked_imports.py OUT PACKAGE...``.

Each package is imported in forks of its own, which know nothing of the others. The libraries that
take most of the seconds are loaded once, before the names are asked for and after all else.
"""

import importlib
import json
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path


def loaded(module: str) -> list[str]:
    """Top-level modules that are there once `module` is imported."""
    importlib.import_module(module)
    return sorted({name.split(".")[0] for name in sys.modules})


def names(package: str) -> list[str]:
    """The public names, each of which is there."""
    module = importlib.import_module(package)
    for name in module.__all__:
        getattr(module, name)
    return module.__all__


def fork(path: Path, work: Callable[[str], list[str]], word: str) -> None:
    """Write what `work` returns, in a process of its own; nothing where it fails."""
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        return
    try:
        path.write_text(json.dumps(work(word)), encoding="utf-8")
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(0)


if __name__ == "__main__":
    out, packages = Path(sys.argv[1]), sys.argv[2:]
    for package in packages:
        fork(out / f"{package}.json", loaded, package)
        fork(out / f"{package}.cli.json", loaded, f"{package}.cli")
    importlib.import_module("torchvision")
    for package in packages:
        fork(out / f"{package}.names.json", names, package)
