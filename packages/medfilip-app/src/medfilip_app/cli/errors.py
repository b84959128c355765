"""What a command does with an expected error: one line on stderr, exit code 2."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import NoReturn

import typer


@contextmanager
def expected_errors() -> Generator[None]:
    """Turn an expected error into one line on stderr and exit code 2; Ctrl-C into 130."""
    from gpt_ie import GptIeError
    from iki_knowledge import IkiError
    from medfilip_model.errors import MedfilipError

    from medfilip_app.errors import AppError

    try:
        yield
    except (AppError, GptIeError, IkiError, MedfilipError) as error:
        fail(str(error))
    except OSError as error:
        fail(f"{error.filename or 'file'}: {error.strerror or error}")
    except KeyboardInterrupt:
        typer.echo("stopped; the same command goes on from here", err=True)
        raise typer.Exit(130) from None


def fail(message: str) -> NoReturn:
    """One line on stderr, exit code 2."""
    typer.echo(f"error: {' '.join(message.split())}", err=True)
    raise typer.Exit(2)
