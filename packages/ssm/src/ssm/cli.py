"""``ssm``: encode texts into a bank, look at it, draw it."""

import contextlib
import dataclasses
import json
import logging
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ssm.errors import SsmError, shorten

if TYPE_CHECKING:
    from ssm.encoders import TextEncoder

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Soft targets from text similarity: encode texts once, look at how alike they are.",
)

Bank = Annotated[Path, typer.Argument(help="Folder that 'ssm encode' wrote.", show_default=False)]


@app.command()
def encode(
    texts: Annotated[Path, typer.Argument(help="UTF-8 file, one text a line.", show_default=False)],
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
    device: Annotated[
        str | None, typer.Option("--device", help="cpu, cuda, cuda:1 …", show_default=False)
    ] = None,
    batch_size: Annotated[int, typer.Option("--batch-size", min=1, help="Texts at a time.")] = 64,
) -> None:
    """Encode the texts of a file, each distinct one once, into a bank folder."""
    with _errors():
        lines = read_lines(texts)
        unique = list(dict.fromkeys(lines))
        if len(unique) < len(lines):
            _note(f"{len(lines) - len(unique)} repeated texts are kept once")

        from ssm import store

        found = store.read(out)
        before = len(found.texts) if found else 0
        chosen = _encoder(encoder, device)
        stored = store.extend(out, unique, chosen, batch_size=batch_size, progress=True)
        added = len(stored.texts) - before
        typer.echo(
            f"{out}: {len(stored.texts)} texts ({added} new), {chosen.dim} dimensions, "
            f"encoder {chosen.name}, fingerprint {chosen.fingerprint[:12]}"
        )


@app.command()
def inspect(
    bank: Bank,
    top: Annotated[int, typer.Option("--top", min=1, help="Pairs to show.")] = 5,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show how a bank's similarities are spread, with the nearest and farthest pairs."""
    with _errors():
        from ssm.bank import LabelBank
        from ssm.spread import measure_spread

        loaded = LabelBank.load(bank)
        spread = measure_spread(loaded.embeddings, top)
        if as_json:
            record = {"encoder": loaded.encoder_name, "fingerprint": loaded.fingerprint}
            record |= {"texts": len(loaded)} | dataclasses.asdict(spread)
            typer.echo(json.dumps(record, indent=1))
            return
        typer.echo(f"{len(loaded)} texts, encoder {loaded.encoder_name}, {spread.pairs} pairs")
        levels = "  ".join(f"{q} % {value:.3f}" for q, value in spread.percentiles.items())
        typer.echo(f"cosine: mean {spread.mean:.3f}  {levels}")
        for title, pairs in (("nearest", spread.nearest), ("farthest", spread.farthest)):
            typer.echo(f"\n{title}")
            for pair in pairs:
                names = f"{shorten(loaded.texts[pair.first])}  {shorten(loaded.texts[pair.second])}"
                typer.echo(f"  {pair.similarity:6.3f}  {names}")


@app.command()
def heatmap(
    bank: Bank,
    out: Annotated[Path, typer.Option("--out", help="Image: .png, .svg or .pdf.")] = Path(
        "ssm.png"
    ),
    title: Annotated[
        str | None, typer.Option("--title", help="In place of the encoder.", show_default=False)
    ] = None,
) -> None:
    """Draw a clustered heatmap of a bank's similarities."""
    with _errors():
        from ssm.bank import LabelBank
        from ssm.plot import save_heatmap

        loaded = LabelBank.load(bank)
        save_heatmap(loaded, out, title=title)
        typer.echo(f"{out}: {len(loaded)} texts, encoder {loaded.encoder_name}")


def read_lines(path: Path) -> list[str]:
    """The non-blank lines of a UTF-8 file, without the white space at their ends.

    Raises:
        SsmError: The file cannot be read, is not UTF-8, or holds no text.
    """
    try:
        content = path.read_bytes()
        lines = [line.strip() for line in content.decode("utf-8-sig").splitlines()]
    except OSError as error:
        raise SsmError(f"cannot read {str(path)!r}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise SsmError(
            f"{str(path)!r}, line {line}: byte {error.object[error.start]:#04x} is not UTF-8; "
            "save the file as UTF-8"
        ) from error
    texts = [line for line in lines if line]
    if not texts:
        raise SsmError(f"{str(path)!r} holds no text: give one text a line")
    return texts


def _encoder(name: str | None, device: str | None) -> "TextEncoder":
    from ssm.encoders import choose_encoder, load_encoder

    if name is not None:
        return load_encoder(name, device=device)
    choice = choose_encoder(device=device)
    _note(f"encoder {choice.name}: {choice.reason}")
    return choice.encoder


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
