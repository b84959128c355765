"""What a command does with an expected error: one line on stderr, exit code 2."""

from collections.abc import Generator
from contextlib import contextmanager

import typer


@contextmanager
def expected_errors() -> Generator[None]:
    """Turn an expected error into one line on stderr and exit code 2."""
    from iki_knowledge.errors import IkiError
    from ssm.errors import SsmError

    from medfilip_model.errors import MedfilipError

    try:
        yield
    except (MedfilipError, IkiError, SsmError) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(2) from error
    except OSError as error:
        typer.echo(f"error: {error.filename or 'file'}: {error.strerror}", err=True)
        raise typer.Exit(2) from error
