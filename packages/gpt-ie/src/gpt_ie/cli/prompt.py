"""`gpt-ie prompt show` and `gpt-ie prompt try`."""

import json
from pathlib import Path
from typing import Annotated

import typer

from gpt_ie.cli import options
from gpt_ie.cli.console import usage_errors
from gpt_ie.cli.engine import LlmOptions, checked, make_llm

prompt = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Look at a prompt, or try it on one report."
)

_SAMPLE = "FINDINGS: Small right pleural effusion. No pneumothorax.\nIMPRESSION: Small effusion."


@prompt.command()
def show(
    source: Annotated[str, typer.Argument(metavar="PROMPT", help="default, paper, or a .md file.")],
    report: Annotated[
        Path | None, typer.Option(help="A .txt to render it with; else a made-up report.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the messages as JSON.")] = False,
) -> None:
    """Check a prompt and print what a model would be sent for one report."""
    from iki_knowledge import load_knowledge

    from gpt_ie.prompt import load_prompt, render
    from gpt_ie.schema import Report

    with usage_errors():
        loaded = load_prompt(Path(source) if source.endswith(".md") else source)
        text = _SAMPLE if report is None else report.read_text("utf-8")
        messages = render(loaded, Report("example", {"text": text}), load_knowledge())
    if as_json:
        typer.echo(json.dumps(messages, ensure_ascii=False, indent=2))
        return
    typer.echo(f"prompt {loaded.label}")
    for message in messages:
        typer.echo(f"\n--- {message['role']}\n{message['content']}")


@prompt.command("try")
def try_(
    report: Annotated[Path, typer.Argument(metavar="REPORT", help="A .txt with one report.")],
    model: options.ModelName,
    source: options.PromptSource = "default",
    base_url: options.BaseUrl = None,
    mode: options.Mode = None,
    max_tokens: options.MaxTokens = 4096,
    may_send: options.MaySend = False,
) -> None:
    """Ask a model about one report and print the grounded findings as JSON."""
    from gpt_ie.schema import EngineError, Report

    with usage_errors():
        text = report.read_text("utf-8")
        llm = LlmOptions(
            model=model, base_url=base_url, mode=mode, prompt=source, max_tokens=max_tokens
        )
        with make_llm(llm) as engine:
            one = Report(report.stem, {"text": text})
            stream = checked([one], report, llm, engine, may_send=may_send)
            try:
                results = [engine.extract(item) for item in stream if isinstance(item, Report)]
            except EngineError as error:
                typer.echo(f"error: {error}", err=True)
                raise typer.Exit(1) from None
    typer.echo(results[0].model_dump_json(indent=2))
