"""``medfilip prepare``: a collection of images → a prepared data set."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from medfilip_model.cli.errors import expected_errors

if TYPE_CHECKING:
    from iki_knowledge import Finding, KnowledgeBase

    from medfilip_model.builders import BuildOptions, BuiltSet, TableColumns

prepare_app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Images and findings of any source into one folder that training streams from. "
    "Run again, it goes on where it was interrupted.",
)

Out = Annotated[Path, typer.Option(help="Folder to write: new, empty, or of an earlier run.")]
Size = Annotated[int, typer.Option(min=16, max=4096, help="Side of the stored squares in pixels.")]
FitOption = Annotated[
    Literal["crop", "pad"],
    typer.Option(help="crop: the centre square; pad: the whole image between black borders."),
]
Format = Annotated[Literal["jpeg", "png"], typer.Option("--format", help="How images are stored.")]
Quality = Annotated[int, typer.Option(min=1, max=100, help="Quality of JPEG.")]
ShardRows = Annotated[
    int | None, typer.Option(min=1, help="Images a shard.  [default: about 256 MB]")
]
Workers = Annotated[
    int | None, typer.Option(min=1, help="Processes that decode.  [default: one a core]")
]
Verify = Annotated[
    bool, typer.Option("--verify", help="Hash the shards of an earlier run; mend what was changed.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print counts as JSON.")]
FindingsFile = Annotated[
    Path | None, typer.Option(help="findings.jsonl, as gpt-ie extract writes it.")
]


@prepare_app.command("mimic-cxr")
def mimic_cxr(
    root: Annotated[Path, typer.Argument(help="Top of a MIMIC-CXR-JPG tree.")],
    out: Out,
    findings: FindingsFile = None,
    labels: Annotated[
        Literal["chexpert", "negbio"] | None,
        typer.Option(help="Table to take findings from, where there is no findings.jsonl."),
    ] = None,
    subset: Annotated[
        Literal["train", "16", "multi", "fg", "full", "all"],
        typer.Option(help="Set of the paper; full: all images; all: the paper's four, in OUT/."),
    ] = "train",
    reports: Annotated[
        Path | None, typer.Option(help="Tree of report texts to keep.  [default: none is kept]")
    ] = None,
    view: Annotated[
        list[str] | None,
        typer.Option(help="ViewPosition to keep, or any; repeatable.  [default: PA, AP]"),
    ] = None,
    train_ratio: Annotated[float, typer.Option(help="Classes of train are above this.")] = 1e-4,
    train_classes: Annotated[int, typer.Option(min=1, help="Most classes of train.")] = 50,
    train_samples: Annotated[int, typer.Option(min=1, help="Images of train.")] = 50_000,
    test_ratio: Annotated[float, typer.Option(help="Classes of 16, multi, fg: above this.")] = 1e-2,
    test_classes: Annotated[int, typer.Option(min=1, help="Most classes of 16 and multi.")] = 16,
    test_samples: Annotated[int, typer.Option(min=1, help="Test images of 16, multi, fg.")] = 1024,
    fg_classes: Annotated[int, typer.Option(min=1, help="Classes of fg.")] = 5,
    normals: Annotated[
        bool, typer.Option("--normals", help="Train and multi take images without findings too.")
    ] = False,
    among: Annotated[
        str | None,
        typer.Option(help="Class list of the dictionary to choose from, e.g. mimic50."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the draw.")] = 0,
    size: Size = 448,
    fit: FitOption = "crop",
    encoding: Format = "jpeg",
    quality: Quality = 95,
    shard_rows: ShardRows = None,
    workers: Workers = None,
    verify: Verify = False,
    as_json: AsJson = False,
) -> None:
    """MIMIC-CXR-JPG and findings into MIMIC-train, -16, -multi and -FG."""
    with expected_errors():
        from medfilip_model.builders import MimicChoice, Subset
        from medfilip_model.builders.mimic import build_subset, read_mimic
        from medfilip_model.errors import ConfigError
        from medfilip_model.progress import Terminal

        kb, found = _findings(findings)
        source = found if found is not None else labels
        if source is None or (found is not None and labels is not None):
            raise ConfigError("give either --findings FILE or --labels chexpert|negbio")
        views = tuple(name.upper() for name in view) if view else ("PA", "AP")
        choice = MimicChoice(
            views=() if "ANY" in views else views,
            train_ratio=train_ratio,
            train_classes=train_classes,
            train_samples=train_samples,
            test_ratio=test_ratio,
            test_classes=test_classes,
            test_samples=test_samples,
            fg_classes=fg_classes,
            normals=normals,
            among=among,
            seed=seed,
        )
        options = _options(size, fit, encoding, quality, shard_rows, workers, verify=verify)
        targets: list[tuple[Subset, Path]] = (
            [(name, out / f"mimic-{name}") for name in ("train", "16", "multi", "fg")]
            if subset == "all"
            else [(subset, out)]
        )
        with Terminal() as terminal:
            tree = read_mimic(root, source, kb, choice=choice, listener=terminal)
            built = [
                build_subset(
                    tree,
                    name,
                    target,
                    kb,
                    choice=choice,
                    reports=reports,
                    options=options,
                    listener=terminal,
                )
                for name, target in targets
            ]
    _tell(built, as_json=as_json)


@prepare_app.command()
def hub(
    table: Annotated[
        str,
        typer.Argument(help=".csv, .jsonl, .parquet, a saved datasets folder, or a hub name."),
    ],
    out: Out,
    findings: FindingsFile = None,
    reports: Annotated[
        bool, typer.Option("--reports", help="Keep the texts of findings and impression.")
    ] = False,
    column: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=COLUMN",
            help="Where a column has another name: image, findings, impression, id, patient, "
            "study, view or split; repeatable.",
        ),
    ] = None,
    size: Size = 448,
    fit: FitOption = "crop",
    encoding: Format = "jpeg",
    quality: Quality = 95,
    shard_rows: ShardRows = None,
    workers: Workers = None,
    verify: Verify = False,
    as_json: AsJson = False,
) -> None:
    """A table of images and report texts; split by column, part or patient."""
    with expected_errors():
        from medfilip_model.builders import build_hub
        from medfilip_model.progress import Terminal

        kb, found = _findings(findings)
        columns = _columns(column or ())
        options = _options(size, fit, encoding, quality, shard_rows, workers, verify=verify)
        with Terminal() as terminal:
            built = build_hub(
                table,
                out,
                kb,
                findings=found,
                reports=reports,
                columns=columns,
                options=options,
                listener=terminal,
            )
    _tell([built], as_json=as_json)


@prepare_app.command()
def folder(
    source: Annotated[Path, typer.Argument(help="Folder with images/ and manifest.csv.")],
    out: Out,
    findings: FindingsFile = None,
    reports: Annotated[
        bool, typer.Option("--reports", help="Keep the texts of the column report.")
    ] = False,
    size: Size = 448,
    fit: FitOption = "crop",
    encoding: Format = "jpeg",
    quality: Quality = 95,
    shard_rows: ShardRows = None,
    workers: Workers = None,
    verify: Verify = False,
    as_json: AsJson = False,
) -> None:
    """A folder of images with a manifest; its labels become findings."""
    with expected_errors():
        from medfilip_model.builders import build_folder
        from medfilip_model.progress import Terminal

        kb, found = _findings(findings)
        options = _options(size, fit, encoding, quality, shard_rows, workers, verify=verify)
        with Terminal() as terminal:
            built = build_folder(
                source,
                out,
                kb,
                findings=found,
                reports=reports,
                options=options,
                listener=terminal,
            )
    _tell([built], as_json=as_json)


@prepare_app.command()
def phantom(
    out: Out,
    n: Annotated[int, typer.Option(min=1, help="How many radiographs.")] = 1000,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the set.")] = 0,
    reports: Annotated[bool, typer.Option("--reports", help="Keep the reports.")] = False,
    size: Size = 448,
    encoding: Format = "jpeg",
    quality: Quality = 95,
    shard_rows: ShardRows = None,
    workers: Workers = None,
    verify: Verify = False,
    as_json: AsJson = False,
) -> None:
    """Phantom radiographs, drawn straight into a prepared data set."""
    with expected_errors():
        from iki_knowledge import load_knowledge

        from medfilip_model.builders import build_phantoms
        from medfilip_model.phantom import PhantomConfig
        from medfilip_model.progress import Terminal

        options = _options(size, "crop", encoding, quality, shard_rows, workers, verify=verify)
        with Terminal() as terminal:
            built = build_phantoms(
                n,
                out,
                load_knowledge(),
                config=PhantomConfig(size=size, seed=seed),
                options=options,
                reports=reports,
                listener=terminal,
            )
    _tell([built], as_json=as_json)


def _findings(
    path: Path | None,
) -> "tuple[KnowledgeBase, dict[str, tuple[Finding, ...]] | None]":
    from iki_knowledge import load_knowledge

    from medfilip_model.data.findings import read_findings

    kb = load_knowledge()
    return kb, None if path is None else read_findings(path, kb)


def _options(
    size: int,
    fit: Literal["crop", "pad"],
    encoding: Literal["jpeg", "png"],
    quality: int,
    shard_rows: int | None,
    workers: int | None,
    *,
    verify: bool,
) -> "BuildOptions":
    import os

    from medfilip_model.builders import BuildOptions

    return BuildOptions(
        size=size,
        fit=fit,
        encoding=encoding,
        quality=quality,
        shard_rows=shard_rows,
        workers=workers or len(os.sched_getaffinity(0)),
        verify=verify,
    )


def _columns(pairs: "list[str] | tuple[str, ...]") -> "TableColumns":
    from medfilip_model.builders import TableColumns
    from medfilip_model.errors import ConfigError

    named: dict[str, str] = {}
    for pair in pairs:
        name, equals, column = pair.partition("=")
        if not equals or name not in TableColumns.model_fields:
            raise ConfigError(
                f"--column {pair!r}: write NAME=COLUMN, NAME one of "
                f"{', '.join(TableColumns.model_fields)}"
            )
        named[name] = column
    return TableColumns(**named)


def _tell(built: "list[BuiltSet]", *, as_json: bool) -> None:
    """Print tables (or JSON), what was left out, and leave with 1 when something was skipped."""
    for one in built:
        if as_json:
            typer.echo((one.folder / "dataset.json").read_text(encoding="utf-8"), nl=False)
        else:
            for line in _table(one):
                typer.echo(line)
        for name, ids in one.unmatched.items():
            typer.echo(f"{len(ids)} {name} (first: {ids[0]!r})", err=True)
        for entry in one.skipped[:20]:
            typer.echo(f"skipped {entry.file}: {entry.reason}", err=True)
        if len(one.skipped) > 20:
            typer.echo(f"... and {len(one.skipped) - 20} more: see dataset.json", err=True)
    if any(one.skipped for one in built):
        raise typer.Exit(1)


def _table(built: "BuiltSet") -> list[str]:
    splits = list(built.splits)
    width = max(len(name) for name in (*built.counts, "category"))
    rows = [
        ("category", splits),
        *((name, [own[split] for split in splits]) for name, own in built.counts.items()),
        ("images", [built.splits[split] for split in splits]),
        ("patients", [built.patients[split] for split in splits]),
    ]
    lines = [f"{name:{width}}" + "".join(f"{cell:>9}" for cell in cells) for name, cells in rows]
    kept = f", {built.reused} kept from before" if built.reused else ""
    lines.append(
        f"{built.name}: {built.images} images in {len(built.shards)} shards{kept}, "
        f"{len(built.skipped)} skipped: {built.folder}"
    )
    return lines
