"""Records → report.html, report.md, results.json, LaTeX: measured beside published, never mixed."""

from medfilip_bench.report.again import write_again
from medfilip_bench.report.comparison import write_comparison
from medfilip_bench.report.summary import as_text, summary
from medfilip_bench.report.write import Written, write_report

__all__ = ["Written", "as_text", "summary", "write_again", "write_comparison", "write_report"]
