"""The wheel alone in a fresh environment: what an importer of the package gets."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
EXAMPLE = Path(__file__).parents[1] / "examples" / "captions.py"

# Loaded when used, not before: neither the weight of an import nor a licence to depend on it.
LAZY = {
    *("transformers", "sentence_transformers", "sklearn", "scipy", "matplotlib", "typer", "rich"),
    *("huggingface_hub", "safetensors", "filelock", "platformdirs"),
}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("uv") is None, reason="needs uv to build and to install"),
]


def run(*command, check=True, **options):
    # Neither the workspace's environment nor its path may leak into the fresh one.
    hidden = ("VIRTUAL_ENV", "PYTHONPATH", "UV_PROJECT_ENVIRONMENT", "UV_NO_SYNC")
    environment = {key: value for key, value in os.environ.items() if key not in hidden}
    done = subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        text=True,
        timeout=600,
        env=environment,
        **options,
    )
    if check:
        assert done.returncode == 0, done.stderr
    return done


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dist")
    done = run(
        *("uv", "build", "--wheel", "--package", "medfilip-ssm", "--out-dir", folder),
        check=False,
        cwd=ROOT,
    )
    if done.returncode and "build-system" in done.stderr:
        pytest.skip(f"the build needs hatchling, which cannot be had: {done.stderr[-300:]}")
    assert done.returncode == 0, done.stderr
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def python(wheel, tmp_path_factory):
    """The interpreter of a fresh environment that holds the wheel, its needs, and no more."""
    folder = tmp_path_factory.mktemp("fresh") / "venv"
    run("uv", "venv", "--quiet", "--python", sys.executable, folder)
    inside = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    # The versions of the workspace, so that its own downloads serve; else the index is asked.
    install = (
        "uv",
        "pip",
        "install",
        "--python",
        inside,
        "--constraint",
        ROOT / "requirements.lock",
    )
    for offline in (["--offline"], []):
        done = run(*install, *offline, f"{wheel}[lexical]", check=False, cwd=folder)
        if done.returncode == 0:
            return inside
    pytest.skip(f"neither uv's cache nor a package index has what it needs: {done.stderr[-300:]}")


def test_the_wheel_holds_the_package_and_nothing_else(wheel):
    import zipfile

    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.split("/")[0] for name in names}
    assert tops == {"ssm", "medfilip_ssm-0.1.0.dist-info"}
    assert {"ssm/py.typed", "ssm/encoders/choose.py", "ssm/bank.py"} <= set(names)


def test_import_pulls_torch_and_numpy_only(python, tmp_path):
    code = (
        "import ssm, sys; ssm.semantic_similarity_matrix; ssm.itm_loss; print(*sys.modules)\n"
        "print(ssm.__file__)\n"
        "try: ssm.load_encoder('minilm')\n"
        "except ssm.SsmError as error: print(error)"
    )
    loaded, place, missing = run(python, "-c", code, cwd=tmp_path).stdout.splitlines()
    assert {"torch", "numpy"} <= set(loaded.split())
    assert not set(loaded.split()) & LAZY
    assert Path(place).is_relative_to(Path(python).parents[1])
    # What is not installed is asked for by its extra.
    assert "install 'medfilip-ssm[minilm]'" in missing


def test_the_example_runs(python, tmp_path):
    environment = {"MEDFILIP_CACHE": str(tmp_path)}
    code = f"import os, runpy, sys; os.environ.update({environment}); sys.argv[1:] = ['lexical']; "
    code += f"runpy.run_path({str(EXAMPLE)!r}, run_name='__main__')"
    printed = run(python, "-c", code, cwd=tmp_path).stdout
    assert printed.startswith("encoder lexical: loss ")


def test_the_command_is_there(python, tmp_path):
    assert "encode" in run(Path(python).parent / "ssm", "--help", cwd=tmp_path).stdout
