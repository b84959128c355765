"""`iki`: look into the dictionary from a shell."""

import json
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from iki_knowledge.coverage import coverage as coverage_tables
from iki_knowledge.errors import IkiError
from iki_knowledge.export import changes, to_csv, to_json
from iki_knowledge.knowledge import KnowledgeBase
from iki_knowledge.load import load_knowledge
from iki_knowledge.page import to_html
from iki_knowledge.resolve import normalise
from iki_knowledge.schema import Entry

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
    entry = kb[_category(kb, category)]
    try:
        explanation = kb.explain(
            entry.id, severity=severity and (kb.severity(severity) or severity)
        )
    except IkiError as error:
        _fail(error)
    if as_json:
        # `asked` differs from `explanation` where a severity has a text of its own.
        print(json.dumps({**entry.model_dump(), "asked": explanation}, indent=2))
        return
    _print_entry(kb, entry, explanation)


def _print_entry(kb: KnowledgeBase, entry: Entry, explanation: str) -> None:
    texts = {attribute.id: attribute.text for attribute in kb.attributes}
    print(f"{entry.name}  [{entry.id}, {entry.group}]")
    print(f"\n{explanation}\n")
    rows = {
        "attributes": "; ".join(texts[name] for name in entry.attributes),
        "parent": entry.parent or "",
        "severities": ", ".join(entry.severities),
        "regions": ", ".join(entry.regions),
        "aliases": ", ".join(entry.aliases),
        "ambiguous": ", ".join(entry.ambiguous),
        "codes": ", ".join(f"{c.system} {c.code} ({c.match})" for c in entry.codes),
        "references": ", ".join(entry.references),
    }
    for label, value in rows.items():
        if value:
            print(f"{label:<10}  {value}")
    for subclass, written in {**entry.by_severity, **entry.by_place}.items():
        print(f"\n{subclass}: {written.explanation}")
    for other, text in entry.look_alikes.items():
        print(f"\nagainst {kb[other].name}: {text}")


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
    others = kb.readings(text)[1:]
    if others:
        print(f"or        {', '.join(others)}")


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


@app.command()
def nearest(
    category: Annotated[str, typer.Argument(help="A category id, or any of its names.")],
    k: Annotated[int, typer.Option("--k", min=1, help="How many.")] = 5,
    as_json: AsJson = False,
    overlay: Overlay = None,
) -> None:
    """List the categories that look most alike, and what tells them apart."""
    kb = _load(overlay)
    found = kb.nearest(_category(kb, category), k)
    if as_json:
        print(json.dumps([item.model_dump() for item in found], indent=2))
        return
    for item in found:
        print(f"{item.category}: {item.distance} attributes differ")
        print(f"  both  {', '.join(item.shared) or '-'}")
        print(f"  here  {', '.join(item.only_here) or '-'}")
        print(f"  there {', '.join(item.only_there) or '-'}")


@app.command()
def infer(
    attributes: Annotated[
        list[str], typer.Argument(help="Attributes seen, e.g. shape:meniscus location:base.")
    ],
    k: Annotated[int, typer.Option("--k", min=1, help="How many.")] = 3,
    as_json: AsJson = False,
    overlay: Overlay = None,
) -> None:
    """Rank the categories by the visual attributes that were seen; the others count as absent."""
    kb = _load(overlay)
    seen = {attribute.id: 0.0 for attribute in kb.attributes}
    try:
        found = kb.infer({**seen, **dict.fromkeys(attributes, 1.0)})[:k]
    except IkiError as error:
        _fail(error)
    if as_json:
        print(json.dumps([item.model_dump() for item in found], indent=2))
        return
    for item in found:
        kinds = ", ".join(kind for kind in (item.severity, item.place) if kind)
        print(f"{item.probability:.3f}  {item.category}{f' ({kinds})' if kinds else ''}")
        print(f"       seen     {', '.join(item.decided_by) or '-'}")
        print(f"       missing  {', '.join(item.missing) or '-'}")


@app.command()
def diff(
    a: Annotated[str, typer.Argument(help="A category, or a file from 'iki export --json'.")],
    b: Annotated[str, typer.Argument(help="Another one.")],
    as_json: AsJson = False,
    overlay: Overlay = None,
) -> None:
    """Tell two categories apart, or say what changed between two exported dictionaries."""
    if Path(a).is_file() and Path(b).is_file():
        _diff_files(Path(a), Path(b), as_json)
        return
    kb = _load(overlay)
    one, other = kb[_category(kb, a)], kb[_category(kb, b)]
    near = next((n for n in kb.nearest(one.id, len(kb)) if n.category == other.id), None)
    if near is None:
        _fail(IkiError(f"{a!r} and {b!r} are both {one.id!r}"))
    told = [e.look_alikes[o.id] for e, o in ((one, other), (other, one)) if o.id in e.look_alikes]
    if as_json:
        print(json.dumps({**near.model_dump(), "told_apart": told}, indent=2))
        return
    print(f"{one.name}: {one.explanation}\n\n{other.name}: {other.explanation}\n")
    print(f"both           {', '.join(near.shared) or '-'}")
    print(f"first only     {', '.join(near.only_here) or '-'}")
    print(f"second only    {', '.join(near.only_there) or '-'}")
    for text in told:
        print(f"told apart by  {text}")


@app.command()
def validate(
    files: Annotated[list[Path], typer.Argument(help="Overlay files, laid on in this order.")],
) -> None:
    """Check files of your own against the dictionary; exit 1 at the first mistake."""
    base = _load(None)
    try:
        kb = load_knowledge(*files)
    except IkiError as error:
        print(f"error: {error}", file=sys.stderr)
        raise typer.Exit(1) from None
    found = changes(to_json(base), to_json(kb))
    print(f"ok: knowledge {kb.version}, {len(kb)} categories")
    for label, names in (("added", found.added), ("changed", tuple(found.changed))):
        if names:
            print(f"{label}: {', '.join(names)}")


@app.command()
def export(
    as_json: Annotated[bool, typer.Option("--json", help="Everything, as JSON.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="One line a category, as CSV.")] = False,
    as_html: Annotated[bool, typer.Option("--html", help="A page to browse offline.")] = False,
    out: Annotated[Path | None, typer.Option(help="Write to this file, not to stdout.")] = None,
    overlay: Overlay = None,
) -> None:
    """Write the dictionary as JSON, CSV or a self-contained HTML page."""
    if as_json + as_csv + as_html != 1:
        _fail(IkiError("give one of --json, --csv, --html"))
    kb = _load(overlay)
    if as_json:
        text = json.dumps(to_json(kb), indent=2, ensure_ascii=False) + "\n"
    else:
        text = to_csv(kb) if as_csv else to_html(kb)
    if out is None:
        print(text, end="")
        return
    try:
        out.write_text(text, "utf-8")
    except OSError as error:
        _fail(IkiError(f"cannot write {str(out)!r}: {error.strerror}"))


@app.command()
def coverage(overlay: Overlay = None) -> None:
    """Count what the dictionary holds, and what it covers of each data set, as Markdown."""
    print(coverage_tables(_load(overlay)))


def _diff_files(a: Path, b: Path, as_json: bool) -> None:
    try:
        found = changes(*(json.loads(path.read_text("utf-8")) for path in (a, b)))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        _fail(IkiError(f"{a} and {b} must be files from 'iki export --json': {error!r}"))
    if as_json:
        print(found.model_dump_json(indent=2))
        return
    print(f"{found.old_version} -> {found.new_version}")
    for label, names in (("added", found.added), ("removed", found.removed)):
        if names:
            print(f"{label}: {', '.join(names)}")
    for name, fields in found.changed.items():
        print(f"changed: {name} ({', '.join(fields)})")


def _category(kb: KnowledgeBase, name: str) -> str:
    """The id of a category given by its id or any of its names; a mistake ends the command."""
    try:
        return kb[kb.surfaces.get(normalise(name), name)].id
    except IkiError as error:
        _fail(error)


def _load(overlays: list[Path] | None) -> KnowledgeBase:
    try:
        return load_knowledge(*(overlays or ()))
    except IkiError as error:
        _fail(error)


def _fail(error: IkiError) -> NoReturn:
    """One line on stderr, exit code 2."""
    print(f"error: {error}", file=sys.stderr)
    raise typer.Exit(2)
