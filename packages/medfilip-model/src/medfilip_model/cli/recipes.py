"""``medfilip recipes``."""

import inspect
import json
from functools import partial
from typing import Annotated

import typer

from medfilip_model.cli.errors import expected_errors


def recipes(
    names: Annotated[
        list[str] | None,
        typer.Argument(help="None lists all, one shows its settings, two their differences."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List the named settings, show those of one, or the differences of two."""
    with expected_errors():
        from medfilip_model.errors import ConfigError
        from medfilip_model.overrides import differences, flatten, recipe
        from medfilip_model.recipes import RECIPES

        configs = [recipe(name) for name in names or ()]
        if len(configs) > 2:
            raise ConfigError(f"give two recipes at most, not {len(configs)}")
        rows: dict[str, object]
        if not configs:
            rows = {name: _summary(function) for name, function in RECIPES.items()}
        elif len(configs) == 1:
            rows = flatten(configs[0].model_dump(mode="json"))
        else:
            rows = dict(differences(*configs))
    if as_json:
        typer.echo(json.dumps(rows, indent=1))
        return
    width = max(map(len, rows), default=0)
    for key, value in rows.items():
        typer.echo(f"{key:{width}}  {_shown(value)}")


def _summary(function: object) -> str:
    """First line of a recipe's docstring; a row of the ablation names itself."""
    if isinstance(function, partial):
        return f"Row {function.args[0]!r} of the paper's ablation, on phantoms."
    return (inspect.getdoc(function) or "").splitlines()[0]


def _shown(value: object) -> str:
    if isinstance(value, tuple):
        return " -> ".join(map(_shown, value))
    return value if isinstance(value, str) else json.dumps(value)
