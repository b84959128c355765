"""Look at a chest radiograph, check its report against it, browse the dictionary."""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from medfilip_app.check import Check, Statement, check_report
    from medfilip_app.errors import AppError
    from medfilip_app.loaded import Loaded, load

__version__ = "0.1.0"

__all__ = ["AppError", "Check", "Loaded", "Statement", "check_report", "load"]

_HOME = {
    "AppError": "errors",
    "Check": "check",
    "Loaded": "loaded",
    "Statement": "check",
    "check_report": "check",
    "load": "loaded",
}


def __getattr__(name: str) -> object:
    """Import a public name when it is first used, so that ``--help`` need not wait for torch."""
    if name not in _HOME:
        raise AttributeError(f"module 'medfilip_app' has no attribute {name!r}")
    value: object = getattr(importlib.import_module(f"medfilip_app.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
