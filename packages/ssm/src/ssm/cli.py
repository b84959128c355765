"""``ssm``: encode texts into a bank, look at it, draw it."""

import contextlib
import json
import logging
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from ssm.errors import SsmError
from ssm.texts import TextTable, read_texts, unknown_column

if TYPE_CHECKING:
    from ssm.bank import LabelBank
    from ssm.encoders import TextEncoder

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Soft targets from text similarity: encode texts once, look at how alike they are.",
)

# Spelt out again, because the type's home imports torch, which help need not wait for.
Method = Literal["none", "minmax", "center", "whiten", "quantile"]
Dtype = Literal["auto", "float32", "bfloat16"]
Bank = Annotated[Path, typer.Argument(help="Folder that 'ssm encode' wrote.", show_default=False)]
GroupBy = Annotated[
    str | None,
    typer.Option(
        "--group-by",
        metavar="COLUMN",
        help="Column of the encoded table that says which texts belong together.",
        show_default=False,
    ),
]
Trial = Annotated[
    Method | None,
    typer.Option(
        "--calibration",
        help="Fit and show this one in place of the bank's own; nothing is saved.",
        show_default=False,
    ),
]


@app.command()
def encode(
    texts: Annotated[
        Path,
        typer.Argument(
            help="UTF-8 file: .txt with one text a line, or a .csv, .tsv or .jsonl table, whose "
            "further columns are kept in the bank.",
            show_default=False,
        ),
    ],
    out: Annotated[
        Path, typer.Option("--out", help="Folder of the bank; texts are added to one that exists.")
    ] = Path("bank"),
    encoder: Annotated[
        str | None,
        typer.Option(
            "--encoder",
            help="hf:NAME_OR_FOLDER, st:NAME_OR_FOLDER, minilm or lexical. Without it: the "
            "paper's encoder if it can be had, else minilm; which one is printed.",
            show_default=False,
        ),
    ] = None,
    text: Annotated[
        str, typer.Option("--text", metavar="COLUMN", help="Column of a table that has the texts.")
    ] = "text",
    calibration: Annotated[
        Method | None,
        typer.Option(
            "--calibration",
            help="Fitted on all texts of the bank and saved with it. Without it: that of the bank "
            "stays, and a new bank has none.",
            show_default=False,
        ),
    ] = None,
    device: Annotated[
        list[str] | None,
        typer.Option(
            "--device",
            help="cpu, cuda, cuda:1 …; give it twice or more to share the work among devices.",
            show_default=False,
        ),
    ] = None,
    dtype: Annotated[
        Dtype, typer.Option("--dtype", help="auto is bfloat16 where CUDA has it, else float32.")
    ] = "auto",
    batch_size: Annotated[int, typer.Option("--batch-size", min=1, help="Texts at a time.")] = 64,
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="Forget what is in the folder, damaged or not.")
    ] = False,
) -> None:
    """Encode the texts of a file, each distinct one once, into a bank folder."""
    with _errors():
        table = read_texts(texts, text)
        _remark(table)

        from ssm import store

        found = None if rebuild else store.read(out)
        before = len(found.texts) if found else 0
        chosen = _encoder(encoder, device or [], dtype)
        stored = store.extend(
            out,
            table.texts,
            chosen,
            batch_size=batch_size,
            progress=True,
            rebuild=rebuild,
            columns=table.columns,
            calibration=calibration,
        )
        added, shown = len(stored.texts) - before, stored.calibration.method
        if calibration is None and shown != "none" and added:
            _note(f"calibration {shown} stays as fitted before; --calibration {shown} fits it anew")
        typer.echo(
            f"{out}: {len(stored.texts)} texts ({added} new), {chosen.dim} dimensions, "
            f"encoder {chosen.name}, fingerprint {chosen.fingerprint[:12]}"
            f"{'' if shown == 'none' else f', calibration {shown}'}"
        )


@app.command()
def inspect(
    bank: Bank,
    top: Annotated[int, typer.Option("--top", min=1, help="Pairs to show.")] = 5,
    group_by: GroupBy = None,
    calibration: Trial = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show how a bank's similarities are spread, before and after calibration.

    With the nearest and farthest pairs and, on request, what lies within and between groups.
    """
    with _errors():
        from ssm.calibration import Calibration
        from ssm.groups import measure_groups
        from ssm.report import group_lines, record, spread_lines
        from ssm.spread import measure_spread

        loaded = _load(bank, calibration)
        names = None if group_by is None else _column(loaded, group_by)
        stages = {"cosine": Calibration()}
        if loaded.calibration.method != "none":
            stages["calibrated"] = loaded.calibration
        spreads = {
            stage: measure_spread(loaded.embeddings, top, used) for stage, used in stages.items()
        }
        groups = {
            stage: measure_groups(loaded.embeddings, names, used)
            for stage, used in stages.items()
            if names is not None
        }
        if as_json:
            typer.echo(json.dumps(record(loaded, spreads, groups, group_by), indent=1))
            return
        lines = spread_lines(loaded, spreads)
        if group_by is not None:
            lines += group_lines(groups, group_by)
        typer.echo("\n".join(lines))


@app.command()
def heatmap(
    bank: Bank,
    out: Annotated[Path, typer.Option("--out", help="Image: .png, .svg or .pdf.")] = Path(
        "ssm.png"
    ),
    group_by: GroupBy = None,
    calibration: Trial = None,
    title: Annotated[
        str | None, typer.Option("--title", help="In place of what is shown.", show_default=False)
    ] = None,
) -> None:
    """Draw a clustered heatmap of a bank's similarities, by group or as a whole."""
    with _errors():
        from ssm.plot import save_heatmap

        loaded = _load(bank, calibration)
        groups = None if group_by is None else _column(loaded, group_by)
        save_heatmap(loaded, out, groups=groups, group_name=group_by or "", title=title)
        typer.echo(f"{out}: {len(loaded)} texts, encoder {loaded.encoder_name}")


def _load(folder: Path, calibration: Method | None) -> "LabelBank":
    from ssm.bank import LabelBank

    loaded = LabelBank.load(folder)
    return loaded if calibration is None else loaded.calibrate(calibration)


def _column(bank: "LabelBank", name: str) -> tuple[str, ...]:
    if name not in bank.columns:
        raise SsmError(
            f"the bank has {unknown_column(name, list(bank.columns))}; to add a column, run "
            "'ssm encode' with a table that has it (no text is encoded twice)"
        )
    blank = sum(not value for value in bank.columns[name])
    if blank:
        _note(f"{blank} of {len(bank)} texts have no {name}")
    return bank.columns[name]


def _encoder(name: str | None, devices: list[str], dtype: Dtype) -> "TextEncoder":
    from ssm.encoders import choose_encoder, load_encoder

    one = devices[0] if len(devices) == 1 else None
    several = devices if len(devices) > 1 else None
    if name is not None:
        return load_encoder(name, device=one, dtype=dtype, devices=several)
    choice = choose_encoder(device=one, dtype=dtype, devices=several)
    _note(f"encoder {choice.name}: {choice.reason}")
    return choice.encoder


def _remark(table: TextTable) -> None:
    """Say what of the file was not taken."""
    if table.blank:
        _note(f"{table.blank} rows without a text are left out")
    if table.repeated:
        _note(f"{table.repeated} repeated texts are kept once")
    for name, count in table.conflicts.items():
        _note(f"{count} of them have another {name} than before: the first one counts")


def _note(message: str) -> None:
    typer.echo(message, err=True)


@contextlib.contextmanager
def _errors() -> Generator[None]:
    """Turn an expected error into one line on stderr and exit code 2."""
    logging.basicConfig(format="%(message)s")
    try:
        yield
    except SsmError as error:
        _note(f"error: {error}")
        raise typer.Exit(2) from error
