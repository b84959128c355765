"""Images and findings from any source, as one `ImageSet` that training and benchmarks read."""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from medfilip_model.data.collate import Batch
    from medfilip_model.data.decode import load_image
    from medfilip_model.data.entities import Entities
    from medfilip_model.data.findings import read_findings, with_findings
    from medfilip_model.data.folder import load_folder
    from medfilip_model.data.loader import EpochLoader
    from medfilip_model.data.phantoms import load_phantoms
    from medfilip_model.data.samples import ImageSet, PixelStore, Sample
    from medfilip_model.data.shards import load_prepared
    from medfilip_model.data.texts import TextTable, build_texts

__all__ = [
    "Batch",
    "Entities",
    "EpochLoader",
    "ImageSet",
    "PixelStore",
    "Sample",
    "TextTable",
    "build_texts",
    "load_folder",
    "load_image",
    "load_phantoms",
    "load_prepared",
    "read_findings",
    "with_findings",
]

_HOME = {
    "Batch": "collate",
    "Entities": "entities",
    "EpochLoader": "loader",
    "ImageSet": "samples",
    "PixelStore": "samples",
    "Sample": "samples",
    "TextTable": "texts",
    "build_texts": "texts",
    "load_folder": "folder",
    "load_image": "decode",
    "load_phantoms": "phantoms",
    "load_prepared": "shards",
    "read_findings": "findings",
    "with_findings": "findings",
}


def __getattr__(name: str) -> object:
    """Import a public name when it is first used: a process that decodes needs no torch."""
    if name not in _HOME:
        raise AttributeError(f"module 'medfilip_model.data' has no attribute {name!r}")
    value: object = getattr(importlib.import_module(f"medfilip_model.data.{_HOME[name]}"), name)
    globals()[name] = value
    return value
