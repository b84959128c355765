"""``medfilip-train`` and ``medfilip``: parse, build a config, call one function, print."""

import typer

from medfilip_model.cli.export import export
from medfilip_model.cli.phantom import phantom
from medfilip_model.cli.predict import predict
from medfilip_model.cli.prepare import prepare_app
from medfilip_model.cli.recipes import recipes
from medfilip_model.cli.train import train
from medfilip_model.cli.verify import verify

train_app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
train_app.command()(train)

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Phantom radiographs and trained models. Training: medfilip-train.",
)
for _command in (export, phantom, predict, recipes):
    app.command()(_command)
prepare_app.command()(verify)
app.add_typer(prepare_app, name="prepare")
