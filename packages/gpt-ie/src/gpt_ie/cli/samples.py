"""`gpt-ie sample` and `gpt-ie explain`: something to begin with."""

import json
from pathlib import Path
from typing import Annotated

import typer

from gpt_ie.cli.console import print_table, usage_errors

sample = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Write real reports to try gpt-ie on."
)


@sample.callback()
def _sample() -> None:
    """Write real reports to try gpt-ie on."""


@sample.command("openi")
def sample_openi(
    out: Annotated[
        Path, typer.Option(help="The CSV to write: report_id, findings, impression.")
    ] = Path("reports.csv"),
) -> None:
    """Write the 3,955 reports of Open-i as a CSV.

    They are chest radiographs' reports of Indiana University (CC BY-NC-ND), read in place from
    the installed package torchxrayvision. Another file of that name is kept.
    """
    from gpt_ie.samples import write_openi

    with usage_errors():
        count = write_openi(out)
    typer.echo(f"{count} reports written to {out}")


def explain(
    text: Annotated[str, typer.Argument(metavar="TEXT", help="A sentence or more of a report.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Show what the rules find in a text, and why.

    One row for each mention, with the phrase that decided on its presence.
    """
    from gpt_ie.rules.engine import RulesEngine

    rows: list[dict[str, object]] = []
    for reading in RulesEngine().explain(text):
        finding = reading.finding
        rows.append(
            {
                "surface": text[slice(*reading.surface)],
                "category": finding.category,
                "presence": reading.verdict.presence or "not asserted",
                "trigger": reading.verdict.trigger,
                "severity": finding.severity,
                "side": finding.side,
                "region": finding.region,
                "trend": finding.trend,
                "evidence": text[slice(*reading.evidence)],
            }
        )
    if as_json:
        typer.echo(json.dumps(rows, ensure_ascii=False))
    elif rows:
        print_table(list(rows[0]), [[str(v or "-") for v in row.values()] for row in rows])
    else:
        typer.echo("nothing that the dictionary knows")
