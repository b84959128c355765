"""Radiology reports into findings: severity, location, category, with evidence."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gpt_ie.datause import DataUseError
    from gpt_ie.evaluate import Evaluation
    from gpt_ie.gold import GoldError, openi_gold
    from gpt_ie.hybrid import HybridEngine
    from gpt_ie.llm.engine import LLMEngine
    from gpt_ie.pipeline import extract
    from gpt_ie.prompt import load_prompt
    from gpt_ie.prompt_file import Prompt, PromptError
    from gpt_ie.readers import ReadError, read_reports
    from gpt_ie.rules.engine import RulesEngine
    from gpt_ie.samples import SampleError, openi_codes, openi_reports
    from gpt_ie.schema import (
        AsyncEngine,
        Engine,
        EngineError,
        EngineUnavailableError,
        Evidence,
        ExtractedFinding,
        GptIeError,
        Rejected,
        Report,
        ReportFindings,
        Usage,
    )
    from gpt_ie.store import StoreError, failed_path, read_findings
    from gpt_ie.summary import CategoryCount, ExtractionSummary
    from gpt_ie.tables import write_table
    from gpt_ie.view import write_view

__all__ = [
    "AsyncEngine",
    "CategoryCount",
    "DataUseError",
    "Engine",
    "EngineError",
    "EngineUnavailableError",
    "Evaluation",
    "Evidence",
    "ExtractedFinding",
    "ExtractionSummary",
    "GoldError",
    "GptIeError",
    "HybridEngine",
    "LLMEngine",
    "Prompt",
    "PromptError",
    "ReadError",
    "Rejected",
    "Report",
    "ReportFindings",
    "RulesEngine",
    "SampleError",
    "StoreError",
    "Usage",
    "extract",
    "failed_path",
    "load_prompt",
    "openi_codes",
    "openi_gold",
    "openi_reports",
    "read_findings",
    "read_reports",
    "write_table",
    "write_view",
]

# Loaded on first use, so that `gpt-ie --help` need not wait for the dictionary and pydantic.
_MODULES = (
    "gpt_ie.schema",
    "gpt_ie.readers",
    "gpt_ie.rules.engine",
    "gpt_ie.store",
    "gpt_ie.summary",
    "gpt_ie.pipeline",
    "gpt_ie.samples",
    "gpt_ie.gold",
    "gpt_ie.tables",
    "gpt_ie.view",
    "gpt_ie.evaluate",
    "gpt_ie.datause",
    "gpt_ie.prompt_file",
    "gpt_ie.prompt",
    "gpt_ie.llm.engine",
    "gpt_ie.hybrid",
)


def __getattr__(name: str) -> object:
    """A public name, imported from its module."""
    if name in __all__:
        for module in map(import_module, _MODULES):
            if name in vars(module):
                return vars(module)[name]
    raise AttributeError(f"module 'gpt_ie' has no attribute {name!r}")
