"""Two models on the same images: paired differences of every metric, corrected for many tests."""

from medfilip_bench.compare.comparison import Comparison, Refusal, Test
from medfilip_bench.compare.folders import compare
from medfilip_bench.compare.text import as_text

__all__ = ["Comparison", "Refusal", "Test", "as_text", "compare"]
