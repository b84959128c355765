"""What a command does with an expected error: one line on stderr, exit code 2."""

from collections.abc import Generator
from contextlib import contextmanager

from gpt_ie.cli.console import fail, usage_errors


@contextmanager
def expected_errors() -> Generator[None]:
    """Turn an expected error into one line on stderr and exit code 2; Ctrl-C into 130."""
    from medfilip_model.errors import MedfilipError

    from medfilip_app.errors import AppError

    with usage_errors():
        try:
            yield
        except (AppError, MedfilipError) as error:
            fail(str(error))
