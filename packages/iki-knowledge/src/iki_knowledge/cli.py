"""`iki`: look into the dictionary from a shell."""

import json
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from iki_knowledge.errors import IkiError
from iki_knowledge.knowledge import KnowledgeBase
from iki_knowledge.load import load_knowledge
from iki_knowledge.resolve import normalise

app = typer.Typer(
    name="iki",
    help="A dictionary of chest-radiograph findings, each explained by what one sees.",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

Overlay = Annotated[
    list[Path] | None,
    typer.Option("--overlay", help="A YAML file that adds or overrides entries; may be repeated."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.callback(invoke_without_command=True)
def main(
    show_version: Annotated[
        bool, typer.Option("--version", help="Print the versions of the package and the data.")
    ] = False,
) -> None:
    """Look into the dictionary."""
    if show_version:
        print(f"iki-knowledge {version('iki-knowledge')}, knowledge {load_knowledge().version}")
        raise typer.Exit


@app.command()
def show(
    category: Annotated[str, typer.Argument(help="A category id, or any of its names.")],
    severity: Annotated[
        str | None, typer.Option(help="Explain this severity, e.g. 'severe'.")
    ] = None,
    as_json: AsJson = False,
    overlay: Overlay = None,
) -> None:
    """Explain one category: what it looks like, its names and its attributes."""
    kb = _load(overlay)
    try:
        entry = kb[kb.surfaces.get(normalise(category), category)]
        explanation = kb.explain(
            entry.id, severity=severity and (kb.severity(severity) or severity)
        )
    except IkiError as error:
        _fail(error)
    if as_json:
        # `asked` differs from `explanation` where a severity has a text of its own.
        print(json.dumps({**entry.model_dump(), "asked": explanation}, indent=2))
        return
    texts = {attribute.id: attribute.text for attribute in kb.attributes}
    print(f"{entry.name}  [{entry.id}, {entry.group}]")
    print(f"\n{explanation}\n")
    print(f"attributes  {'; '.join(texts[name] for name in entry.attributes)}")
    rows = {
        "parent": entry.parent or "",
        "severities": ", ".join(entry.severities),
        "regions": ", ".join(entry.regions),
        "aliases": ", ".join(entry.aliases),
    }
    for label, value in rows.items():
        if value:
            print(f"{label:<10}  {value}")
    for subclass, text in {**entry.by_severity, **entry.by_place}.items():
        print(f"\n{subclass}: {text}")


@app.command()
def resolve(
    text: Annotated[str, typer.Argument(help="A phrase, e.g. 'hazy opacity at the left base'.")],
    as_json: AsJson = False,
    overlay: Overlay = None,
) -> None:
    """Name the category, severity, side, region and trend of a phrase; exit 1 if it has none.

    The phrase is taken as affirmative: negation is gpt-ie's task.
    """
    kb = _load(overlay)
    finding = kb.finding(text)
    if finding is None:
        print(f"no category of the dictionary in {text!r}", file=sys.stderr)
        raise typer.Exit(1)
    if as_json:
        print(finding.model_dump_json(exclude={"presence"}))
        return
    for name in ("category", "severity", "side", "region", "trend"):
        print(f"{name:<9} {getattr(finding, name) or '-'}")
    print(f"text      {kb.text(finding, 'triplet')}")


@app.command(name="list")
def list_(
    dataset: Annotated[
        str | None, typer.Option(help="Only the classes of a data set, e.g. chestxray14.")
    ] = None,
    as_json: AsJson = False,
    overlay: Overlay = None,
) -> None:
    """List the categories, or the classes of a data set with their categories."""
    kb = _load(overlay)
    try:
        rows = {name: kb[name].name for name in kb} if dataset is None else kb.classes(dataset)
    except IkiError as error:
        _fail(error)
    if as_json:
        print(json.dumps(rows, indent=2))
        return
    width = max(map(len, rows))
    for left, right in rows.items():
        print(f"{left:<{width}}  {right}")


def _load(overlays: list[Path] | None) -> KnowledgeBase:
    try:
        return load_knowledge(*(overlays or ()))
    except IkiError as error:
        _fail(error)


def _fail(error: IkiError) -> NoReturn:
    """One line on stderr, exit code 2."""
    print(f"error: {error}", file=sys.stderr)
    raise typer.Exit(2)
