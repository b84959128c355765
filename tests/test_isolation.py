"""What a package drags in when imported: the ground floor stays light, commands start quickly."""

import json
import subprocess
import sys

import pytest

HEAVY = {"torch", "transformers", "timm", "open_clip", "matplotlib", "sklearn", "gradio"}


def modules_after(code: str) -> set[str]:
    """Top-level modules loaded in a fresh interpreter after running `code`."""
    ending = "import sys, json; print(json.dumps(sorted({m.split('.')[0] for m in sys.modules})))"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\n{ending}"], capture_output=True, text=True, check=True
    )
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize("package", ["iki_knowledge", "gpt_ie"])
def test_text_packages_need_no_tensor_library(package: str):
    assert not modules_after(f"import {package}") & HEAVY


def test_ssm_knows_none_of_its_siblings():
    loaded = modules_after("import ssm")
    assert not loaded & {"iki_knowledge", "gpt_ie", "medfilip_model", "medfilip_bench"}


@pytest.mark.parametrize(
    "module", ["iki_knowledge", "gpt_ie", "medfilip_model", "medfilip_bench", "medfilip_app"]
)
def test_a_command_line_loads_nothing_heavy_before_it_is_asked(module: str):
    assert not modules_after(f"import {module}.cli") & HEAVY


def test_ssm_loads_torch_at_most():
    assert modules_after("import ssm.cli") & HEAVY <= {"torch"}


@pytest.mark.parametrize(
    "module",
    ["iki_knowledge", "ssm", "gpt_ie", "medfilip_model", "medfilip_bench", "medfilip_app"],
)
def test_every_public_name_exists(module: str):
    code = f"import {module} as m; assert m.__all__; [getattr(m, name) for name in m.__all__]"
    subprocess.run([sys.executable, "-c", code], check=True)
