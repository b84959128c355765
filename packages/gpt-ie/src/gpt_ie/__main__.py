"""``python -m gpt_ie`` is ``gpt-ie``."""

from gpt_ie.cli import app

app()
