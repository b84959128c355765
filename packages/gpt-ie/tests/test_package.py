import subprocess
import sys

import gpt_ie
import pytest


@pytest.mark.parametrize("name", gpt_ie.__all__)
def test_every_public_name_is_there(name: str):
    assert getattr(gpt_ie, name).__name__ == name


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="'extrakt'"):
        _ = gpt_ie.extrakt


def test_the_command_line_starts_without_the_dictionary():
    code = "import gpt_ie.cli, sys; print({'iki_knowledge', 'pydantic', 'yaml'} & set(sys.modules))"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert result.stdout.strip() == "set()"
