"""Radiology reports into findings: severity, location, category, with evidence."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gpt_ie.pipeline import CategoryCount, ExtractionSummary, extract
    from gpt_ie.readers import ReadError, read_reports
    from gpt_ie.rules.engine import RulesEngine
    from gpt_ie.samples import SampleError, openi_reports
    from gpt_ie.schema import (
        Engine,
        EngineError,
        Evidence,
        ExtractedFinding,
        GptIeError,
        Rejected,
        Report,
        ReportFindings,
    )
    from gpt_ie.store import StoreError, failed_path, read_findings

__all__ = [
    "CategoryCount",
    "Engine",
    "EngineError",
    "Evidence",
    "ExtractedFinding",
    "ExtractionSummary",
    "GptIeError",
    "ReadError",
    "Rejected",
    "Report",
    "ReportFindings",
    "RulesEngine",
    "SampleError",
    "StoreError",
    "extract",
    "failed_path",
    "openi_reports",
    "read_findings",
    "read_reports",
]

# Loaded on first use, so that `gpt-ie --help` need not wait for the dictionary and pydantic.
_MODULES = (
    "gpt_ie.schema",
    "gpt_ie.readers",
    "gpt_ie.rules.engine",
    "gpt_ie.store",
    "gpt_ie.pipeline",
    "gpt_ie.samples",
)


def __getattr__(name: str) -> object:
    """A public name, imported from its module."""
    if name in __all__:
        for module in map(import_module, _MODULES):
            if name in vars(module):
                return vars(module)[name]
    raise AttributeError(f"module 'gpt_ie' has no attribute {name!r}")
