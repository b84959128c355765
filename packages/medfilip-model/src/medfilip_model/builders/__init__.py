"""Image collections of any kind → a prepared data set: the folder that training streams from.

The layout is described in `medfilip_model.data.format`.
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from medfilip_model.builders.folder import build_folder
    from medfilip_model.builders.hub import TableColumns, build_hub
    from medfilip_model.builders.mimic import build_mimic
    from medfilip_model.builders.options import BuildOptions
    from medfilip_model.builders.phantoms import build_phantoms
    from medfilip_model.builders.result import BuiltSet
    from medfilip_model.builders.subsets import MimicChoice, Subset

__all__ = [
    "BuildOptions",
    "BuiltSet",
    "MimicChoice",
    "Subset",
    "TableColumns",
    "build_folder",
    "build_hub",
    "build_mimic",
    "build_phantoms",
]

_HOME = {
    "BuildOptions": "options",
    "BuiltSet": "result",
    "MimicChoice": "subsets",
    "Subset": "subsets",
    "TableColumns": "hub",
    "build_folder": "folder",
    "build_hub": "hub",
    "build_mimic": "mimic",
    "build_phantoms": "phantoms",
}


def __getattr__(name: str) -> object:
    """Import a builder when it is first used: a worker process needs none of them."""
    if name not in _HOME:
        raise AttributeError(f"module 'medfilip_model.builders' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"medfilip_model.builders.{_HOME[name]}"), name)
    globals()[name] = value
    return value
