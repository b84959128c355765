"""`gpt-ie batch write` and `gpt-ie batch read`: the batch files of a provider."""

from pathlib import Path
from typing import Annotated

import typer

from gpt_ie.cli import options
from gpt_ie.cli.console import report_failures, usage_errors
from gpt_ie.cli.engine import gated, prompt_source

batch = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Write requests for a provider's batch service, and read its answers.",
)
Model = Annotated[str, typer.Option("--model", metavar="MODEL", help="E.g. openai/NAME.")]


@batch.command()
def write(
    reports: options.Reports,
    model: Model,
    out: Annotated[Path, typer.Option(help="The requests.")] = Path("batch.jsonl"),
    prompt: options.PromptSource = "default",
    base_url: options.BaseUrl = None,
    id_column: options.IdColumn = None,
    text: options.TextColumns = None,
    sections: options.Sections = None,
    max_tokens: options.MaxTokens = 4096,
    may_send: options.MaySend = False,
) -> None:
    """Write one request a line, for you to upload; nothing is sent.

    More requests than one file may hold go on in a second one.
    """
    from gpt_ie.batch import write_batch
    from gpt_ie.llm.batching import BatchForm
    from gpt_ie.readers import read_reports

    with usage_errors():
        form = BatchForm(model, prompt_source(prompt), base_url=base_url, max_tokens=max_tokens)
        stream = read_reports(
            reports,
            id_column=id_column,
            text_columns=text or (),
            sections=options.names(sections),
        )
        done = write_batch(
            gated(stream, reports, form.model.url, may_send=may_send),
            form.messages,
            form.model.name,
            out,
            body=form.body(),
            engine_key=form.key,
        )
    typer.echo(f"{done.requests} requests, {done.rejected} reports left out")
    for path in done.paths:
        typer.echo(f"written to {path}")


@batch.command()
def read(
    answers: Annotated[
        list[Path], typer.Argument(metavar="ANSWERS", help="Outputs and error files of the batch.")
    ],
    reports: Annotated[Path, typer.Option(help="The reports that it was written from.")],
    model: Model,
    out: Annotated[Path, typer.Option(help="The findings.")],
    prompt: options.PromptSource = "default",
    base_url: options.BaseUrl = None,
    id_column: options.IdColumn = None,
    text: options.TextColumns = None,
    sections: options.Sections = None,
    max_tokens: options.MaxTokens = 4096,
    unsupported: options.Unsupported = "flag",
) -> None:
    """Read the answers into findings; model, prompt and options must be those of the writing.

    Exit code 1 when some reports have no usable answer; they are in OUT's .failed.jsonl.
    """
    from gpt_ie.batch import BatchAnswers, BatchEngine
    from gpt_ie.cli.extract import print_summary
    from gpt_ie.llm.batching import BatchForm
    from gpt_ie.pipeline import extract
    from gpt_ie.readers import read_reports

    with usage_errors():
        form = BatchForm(
            model,
            prompt_source(prompt),
            base_url=base_url,
            max_tokens=max_tokens,
            unsupported=unsupported,
        )
        stream = read_reports(
            reports,
            id_column=id_column,
            text_columns=text or (),
            sections=options.names(sections),
        )
        with BatchAnswers(answers, engine_key=form.key) as found:
            summary = extract(stream, BatchEngine(found, form.parse, form.name, form.key), out)
            unreadable = found.unreadable
    print_summary(summary)
    if unreadable:
        typer.echo(f"{unreadable} lines of the batch were no answers", err=True)
    if summary.failed:
        report_failures(summary, summary.reports, "reports")
        raise typer.Exit(1)
