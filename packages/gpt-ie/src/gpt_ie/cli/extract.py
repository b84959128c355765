"""`gpt-ie extract`."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gpt_ie.cli import options
from gpt_ie.cli.console import fail, print_table, progress, report_failures, usage_errors
from gpt_ie.cli.engine import LlmOptions, checked, estimate_run, make_engine

if TYPE_CHECKING:
    from gpt_ie.pipeline import ExtractionSummary
    from gpt_ie.schema import Engine, Rejected, Report


def extract(
    reports: options.Reports,
    out: Annotated[
        Path | None,
        typer.Option(help="The findings; by default REPORTS with .findings.jsonl for its ending."),
    ] = None,
    id_column: options.IdColumn = None,
    text: options.TextColumns = None,
    sections: options.Sections = None,
    engine: Annotated[
        options.EngineName | None,
        typer.Option(help="rules by default; llm with --model; hybrid asks it for doubtful parts."),
    ] = None,
    model: options.ModelName = None,
    base_url: options.BaseUrl = None,
    mode: options.Mode = None,
    prompt: options.PromptSource = "default",
    unsupported: options.Unsupported = "flag",
    workers: Annotated[
        int, typer.Option(min=1, help="Processes, for rules; actors with --ray.")
    ] = 1,
    concurrency: Annotated[
        int, typer.Option(min=1, help="Calls to a model under way at once.")
    ] = 16,
    rpm: Annotated[int | None, typer.Option(min=1, help="Requests a minute, at most.")] = None,
    tpm: Annotated[int | None, typer.Option(min=1, help="Tokens a minute, at most.")] = None,
    max_retries: Annotated[int, typer.Option(min=0, help="Calls after a failed one.")] = 8,
    max_tokens: Annotated[
        int | None, typer.Option(min=1, help="Of one answer; 4096, or 2048 from a file.")
    ] = None,
    temperature: Annotated[float, typer.Option(min=0, help="Of the model.")] = 0.0,
    timeout: Annotated[
        float | None, typer.Option(min=0.1, help="Seconds for one call; 120, or 900 with a file.")
    ] = None,
    price: options.Price = None,
    max_cost: Annotated[
        float | None, typer.Option(min=0, help="Stop cleanly before so many dollars are spent.")
    ] = None,
    may_send: options.MaySend = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what it would send, cost and take.")
    ] = False,
    resume: Annotated[
        bool, typer.Option("--resume/--no-resume", help="Take over what a run cut off has done.")
    ] = True,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Only the reports that failed in OUT.")
    ] = False,
    ray: Annotated[bool, typer.Option("--ray", help="Run the engine on a Ray cluster.")] = False,
    csv: Annotated[Path | None, typer.Option(help="A tidy table too, one finding a row.")] = None,
    parquet: Annotated[Path | None, typer.Option(help="The same as Parquet.")] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the summary as JSON instead of a table.")
    ] = False,
) -> None:
    """Extract the findings of every report.

    Findings go to OUT, one report a line; reports that fail go to OUT's name with .failed.jsonl,
    with the reason. A run that was cut off is taken up where it stopped.

    Exit code 0: all done; 1: some reports failed; 2: the input or an option is wrong, or the
    engine could not go on, and what stood in OUT before still stands there.
    """
    from gpt_ie.readers import base_name, read_reports

    llm = LlmOptions(
        model=model, base_url=base_url, mode=mode, prompt=prompt, unsupported=unsupported,
        concurrency=concurrency, rpm=rpm, tpm=tpm, max_retries=max_retries, max_tokens=max_tokens,
        timeout=timeout, temperature=temperature, price=price, max_cost=max_cost,
    )  # fmt: skip
    with usage_errors():
        beside = reports.parent if reports.name not in ("", "..") else Path()
        target = out or beside / f"{base_name(reports)}.findings.jsonl"
        if str(reports) == "-" and out is None:
            fail("reports from stdin need --out")
        _check_out(target, reports)
        with ExitStack() as stack:
            on_read, on_progress = stack.enter_context(progress(reports))
            stream = read_reports(
                reports,
                id_column=id_column,
                text_columns=text or (),
                sections=options.names(sections),
                on_read=on_read,
            )
            if dry_run:
                _print_dry_run(stream, llm, as_json=as_json)
                return
            chosen = stack.enter_context(make_engine(engine, llm))
            stream = checked(stream, reports, llm, chosen, may_send=may_send)
            summary = _run(
                stream, chosen, target, ray=ray, workers=workers, concurrency=concurrency,
                resume=resume, retry_failed=retry_failed, on_progress=on_progress,
            )  # fmt: skip
        if summary.stopped is not None:
            fail(f"{summary.stopped}; {summary.reports} reports are done, the same command goes on")
        tables = _write_tables(target, csv, parquet)
    if as_json:
        typer.echo(json.dumps(asdict(summary), default=_plain, ensure_ascii=False))
    else:
        print_summary(summary)
        for table in tables:
            typer.echo(f"written to {table}")
    if summary.failed:
        report_failures(summary, summary.reports, "reports")
        raise typer.Exit(1)


def _plain(value: object) -> object:
    """A value of the summary that JSON has no form for: a path, or what a model spent."""
    from gpt_ie.schema import Usage

    return value.model_dump() if isinstance(value, Usage) else str(value)


def _run(
    stream: "Iterator[Report | Rejected]",
    engine: "Engine",
    out: Path,
    *,
    ray: bool,
    **settings: Any,  # noqa: ANN401 - both take the same
) -> "ExtractionSummary":
    if ray:
        from gpt_ie.ray_run import extract_on_ray as run
    else:
        from gpt_ie.pipeline import extract as run
    return run(stream, engine, out, **settings)


def _print_dry_run(
    stream: "Iterator[Report | Rejected]", llm: LlmOptions, *, as_json: bool
) -> None:
    estimate = estimate_run(stream, llm)
    if as_json:
        typer.echo(json.dumps(asdict(estimate)))
        return
    cost = "unknown (give --price)" if estimate.cost is None else f"${estimate.cost:,.4f}"
    typer.echo(
        f"reports            {estimate.reports}\n"
        f"requests           {estimate.requests}\n"
        f"tokens sent        {estimate.prompt_tokens} (characters / 4)\n"
        f"tokens received    {estimate.completion_tokens} (300 an answer assumed)\n"
        f"cost               {cost}\n"
        f"time               {estimate.seconds:,.0f} s, bound by {estimate.bound}"
    )


def _write_tables(findings: Path, *tables: Path | None) -> list[Path]:
    from gpt_ie.tables import write_table

    return [write_table(findings, table).out for table in tables if table is not None]


def _check_out(out: Path, reports: Path) -> None:
    """Refuse an output that is a folder, lies in no folder, or is the input itself."""
    if out.is_dir():
        fail(f"--out {str(out)!r} is a folder; name a file in it")
    if not out.parent.is_dir():
        fail(f"--out {str(out)!r}: there is no folder {str(out.parent)!r}; make it first")
    if out.exists() and reports.exists() and out.samefile(reports):
        fail(f"--out {str(out)!r} is the file of reports itself; name another")


def print_summary(summary: "ExtractionSummary") -> None:
    """The counts of a run on stdout."""
    rows = [
        [category, *map(str, (count.reports, count.present, count.uncertain, count.absent))]
        for category, count in summary.by_category.items()
    ]
    print_table(["category", "reports", "present", "uncertain", "absent"], rows)
    resumed = (
        f", {summary.resumed} of them taken over from a run cut off" if summary.resumed else ""
    )
    typer.echo(
        f"{summary.reports} reports ({summary.failed} failed{resumed}), {summary.findings} "
        f"findings, {summary.rate:.0f} reports/s, engine {summary.engine}"
    )
    if summary.unsupported:
        typer.echo(f"{summary.unsupported} findings are not grounded in their report")
    if summary.share is not None:
        typer.echo(f"{summary.share:.1%} of the sentences went to the model")
    if summary.usage is not None:
        usage = summary.usage
        cost = "cost unknown" if usage.cost is None else f"${usage.cost:,.4f}"
        typer.echo(
            f"{usage.calls} calls, {usage.prompt_tokens} tokens sent, {usage.completion_tokens} "
            f"received, {cost}, retries included"
        )
    typer.echo(f"written to {summary.out}")
