"""`gpt-ie evaluate` and `gpt-ie view`: how good the findings are, and where they stand."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from gpt_ie.cli import options
from gpt_ie.cli.console import fail, usage_errors

if TYPE_CHECKING:
    from gpt_ie.evaluate import Evaluation
    from gpt_ie.gold import Gold


def evaluate(
    pred: Annotated[
        str,
        typer.Argument(
            metavar="PRED", help="A findings.jsonl, or openi to run the rules on Open-i and score."
        ),
    ],
    gold: Annotated[
        Path | None,
        typer.Argument(metavar="[GOLD]", help="A findings.jsonl that is taken for true."),
    ] = None,
    split: Annotated[
        Literal["dev", "test"], typer.Option(help="Of Open-i; test is NegBio's 771 ids.")
    ] = "dev",
    against_openi: Annotated[
        bool, typer.Option("--openi", help="Score PRED against Open-i's human codes.")
    ] = False,
    reports: Annotated[
        Path | None, typer.Option(help="The reports, for --errors with a gold of your own.")
    ] = None,
    errors: Annotated[
        Path | None, typer.Option(help="Write each error with its sentence to this .csv.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Write Markdown, JSON and the confusion figure here.")
    ] = None,
    resamples: Annotated[int, typer.Option(min=0, help="Of the bootstrap.")] = 1000,
    as_json: options.AsJson = False,
) -> None:
    """Score findings against human codes or a corrected file.

    ``gpt-ie evaluate openi`` extracts with the rules and scores against the MeSH codes of Open-i;
    ``gpt-ie evaluate PRED GOLD`` compares two files. Files of errors hold words of the reports.
    """
    from gpt_ie.evaluate import to_json, to_markdown, write_evaluation

    with usage_errors():
        if pred == "openi":
            evaluation = _openi(split, errors, resamples)
        elif against_openi and gold is None:
            evaluation = _against(Path(pred), _openi_gold(split), None, errors, resamples)
        elif gold is not None and not against_openi:
            evaluation = _against(Path(pred), gold, reports, errors, resamples)
        else:
            fail("give PRED and GOLD, PRED and --openi, or openi alone")
        files = [] if out is None else write_evaluation(evaluation, out)
    typer.echo(to_json(evaluation) if as_json else to_markdown(evaluation))
    for file in files:
        typer.echo(f"written to {file}", err=True)


def view(
    findings: Annotated[Path, typer.Argument(metavar="FINDINGS", help="A findings.jsonl.")],
    reports: Annotated[Path, typer.Option(help="The reports that it was made from.")],
    out: Annotated[
        Path | None, typer.Option(help="The page; by default FINDINGS with .html for its ending.")
    ] = None,
    id_column: options.IdColumn = None,
    text: options.TextColumns = None,
    limit: Annotated[int, typer.Option(min=1, help="Reports on the page, at most.")] = 10_000,
) -> None:
    """Write one self-contained page with the evidence highlighted in each report."""
    from gpt_ie.readers import read_reports
    from gpt_ie.view import write_view

    with usage_errors():
        stream = read_reports(reports, id_column=id_column, text_columns=text or ())
        done = write_view(findings, stream, out or findings.with_suffix(".html"), limit=limit)
    typer.echo(
        f"{done.reports} reports, {done.findings} findings, {done.size / 1e6:.1f} MB: {done.out}"
    )
    if done.left_out or done.without_text:
        typer.echo(
            f"{done.left_out} reports are beyond --limit; {done.without_text} have no text in "
            f"{str(reports)!r}",
            err=True,
        )


def _openi_gold(split: Literal["dev", "test"]) -> "Gold":
    from iki_knowledge import load_knowledge

    from gpt_ie.gold import openi_gold

    return openi_gold(load_knowledge(), split)


def _openi(split: Literal["dev", "test"], errors: Path | None, resamples: int) -> "Evaluation":
    from gpt_ie.evaluate import list_errors, score, write_errors
    from gpt_ie.gold import openi_gold_reports
    from gpt_ie.rules.engine import RulesEngine

    gold = _openi_gold(split)
    engine = RulesEngine()
    records = [engine.extract(report) for report in openi_gold_reports(gold)]
    if errors is not None:
        write_errors(list_errors(records, gold, openi_gold_reports(gold)), errors)
    return score(records, gold, resamples=resamples)


def _against(
    pred: Path, gold: "Gold | Path", reports: Path | None, errors: Path | None, resamples: int
) -> "Evaluation":
    from gpt_ie.evaluate import evaluate as compare
    from gpt_ie.evaluate import list_errors, write_errors
    from gpt_ie.gold import gold_of_findings, openi_gold_reports
    from gpt_ie.readers import read_reports
    from gpt_ie.schema import Report
    from gpt_ie.store import read_findings

    if errors is not None:
        if isinstance(gold, Path):
            if reports is None:
                fail("--errors needs the reports' text: give --reports")
            texts = (item for item in read_reports(reports) if isinstance(item, Report))
            gold = gold_of_findings(read_findings(gold), str(gold))
        else:
            texts = openi_gold_reports(gold)
        write_errors(list_errors(read_findings(pred), gold, texts), errors)
    return compare(pred, gold, resamples=resamples)
