"""Measures chest-radiograph vision-language models as the paper does, and honestly.

Axes in every signature: N images, M texts, C classes, D embedding, R bootstrap replicates,
Q queries, G gallery.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from medfilip_bench.config import BenchConfig
    from medfilip_bench.errors import BenchError
    from medfilip_bench.models.base import ImageTextModel, LoadedModel
    from medfilip_bench.results import RunRecord
    from medfilip_bench.runner import Finished, run, run_all

__all__ = [
    "BenchConfig",
    "BenchError",
    "Finished",
    "ImageTextModel",
    "LoadedModel",
    "RunRecord",
    "run",
    "run_all",
]

_HOMES = {
    "BenchConfig": "config",
    "BenchError": "errors",
    "Finished": "runner",
    "ImageTextModel": "models.base",
    "LoadedModel": "models.base",
    "RunRecord": "results",
    "run": "runner",
    "run_all": "runner",
}


def __getattr__(name: str) -> object:
    """Import a public name when it is first used: the command line starts without torch."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
