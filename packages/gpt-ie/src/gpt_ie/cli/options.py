"""The options that several commands share."""

from pathlib import Path
from typing import Annotated, Literal

import typer

EngineName = Literal["rules", "llm", "hybrid"]
OnUnsupported = Literal["drop", "flag", "fail"]

Reports = Annotated[
    Path,
    typer.Argument(
        metavar="REPORTS",
        help="A .csv, .jsonl or .parquet, a folder of .txt, a MIMIC-CXR tree, or - for stdin.",
    ),
]
IdColumn = Annotated[
    str | None,
    typer.Option("--id", metavar="COLUMN", help="Column of the report's id, if not guessed."),
]
TextColumns = Annotated[
    list[str] | None,
    typer.Option(
        "--text", metavar="COLUMN", help="Column of text, if not guessed; may be repeated."
    ),
]
Sections = Annotated[
    str | None,
    typer.Option(
        metavar="NAMES", help="Sections to read, e.g. findings,impression; all by default."
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
ModelName = Annotated[
    str | None,
    typer.Option(
        metavar="MODEL",
        help="openai/NAME, anthropic/NAME, ollama/NAME, gguf:FILE, or NAME with --base-url.",
    ),
]
BaseUrl = Annotated[
    str | None,
    typer.Option(metavar="URL", help="An endpoint that speaks OpenAI's protocol, with its /v1."),
]
Mode = Annotated[
    str | None,
    typer.Option(metavar="MODE", help="How the answer's shape is asked for, e.g. json_schema."),
]
PromptSource = Annotated[
    str, typer.Option("--prompt", metavar="PROMPT", help="default, paper, or a .md file.")
]
Price = Annotated[
    str | None,
    typer.Option(metavar="IN,OUT", help="Dollars for a million tokens sent, and received."),
]
MaxTokens = Annotated[int, typer.Option(min=1, help="Of one answer.")]
Unsupported = Annotated[
    OnUnsupported, typer.Option(help="What happens to findings that are not grounded.")
]
MaySend = Annotated[
    bool,
    typer.Option(
        "--i-may-send-this-data",
        help="You may send these reports to that endpoint, credentialed ones too.",
    ),
]


def names(text: str | None) -> tuple[str, ...] | None:
    """``"findings,impression"`` as a tuple; None stays None."""
    return None if text is None else tuple(part.strip() for part in text.split(",") if part.strip())
