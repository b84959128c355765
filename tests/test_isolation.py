"""What a package drags in when imported: the ground floor stays light, commands start quickly."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

HEAVY = {"torch", "transformers", "timm", "open_clip", "matplotlib", "sklearn", "gradio"}
PACKAGES = ("iki_knowledge", "ssm", "gpt_ie", "medfilip_model", "medfilip_bench", "medfilip_app")


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], set[str]]:
    """What a fresh process had loaded after an import, or what its package offers."""
    out = tmp_path_factory.mktemp("imports")
    script = Path(__file__).with_name("forked_imports.py")
    done = subprocess.run(
        [sys.executable, script, out, *PACKAGES], capture_output=True, text=True, check=True
    )

    def read(name: str) -> set[str]:
        path = out / f"{name}.json"
        assert path.exists(), done.stderr
        return set(json.loads(path.read_text(encoding="utf-8")))

    return read


@pytest.mark.parametrize("package", ["iki_knowledge", "gpt_ie"])
def test_text_packages_need_no_tensor_library(told: Callable[[str], set[str]], package: str):
    assert not told(package) & HEAVY


def test_ssm_knows_none_of_its_siblings(told: Callable[[str], set[str]]):
    assert told("ssm") & set(PACKAGES) == {"ssm"}


@pytest.mark.parametrize("package", [package for package in PACKAGES if package != "ssm"])
def test_a_command_line_loads_nothing_heavy_before_it_is_asked(
    told: Callable[[str], set[str]], package: str
):
    assert not told(f"{package}.cli") & HEAVY


def test_ssm_loads_torch_at_most(told: Callable[[str], set[str]]):
    assert told("ssm.cli") & HEAVY <= {"torch"}


@pytest.mark.parametrize("package", PACKAGES)
def test_every_public_name_exists(told: Callable[[str], set[str]], package: str):
    assert told(f"{package}.names")
