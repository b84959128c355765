"""Shared by the tests of the documentation: pages as steps, small stand-ins for what costs."""

import importlib.util
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

ROOT = Path(__file__).parents[2]


def load(name: str, path: Path) -> ModuleType:
    """A script of the repository as a module."""
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def run_page() -> ModuleType:
    return load("run_page", ROOT / "docs" / "run_page.py")


@pytest.fixture(scope="session")
def hook() -> ModuleType:
    return load("commands_hook", ROOT / "docs" / "commands_hook.py")


@pytest.fixture(scope="session")
def pictures(run_page: ModuleType) -> ModuleType:
    """The script that draws the pictures; it takes the tutorial's commands from `run_page`."""
    assert sys.modules["run_page"] is run_page
    return load("make_pictures", ROOT / "docs" / "make_pictures.py")


@pytest.fixture(scope="session")
def looks_like() -> Callable[[Path, str], bool]:
    """Whether a picture in a folder is the one of that name in docs/, all but the last bits."""

    def compare(folder: Path, name: str) -> bool:
        pixels: list[np.ndarray] = []
        for path in (folder / name, ROOT / "docs" / name):
            with Image.open(path) as picture:
                pixels.append(np.asarray(picture.convert("L"), float))
        new, shown = pixels
        return new.shape == shown.shape and float(np.abs(new - shown).mean()) < 1

    return compare


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """Address of a server that speaks OpenAI's protocol and finds nothing in any report."""
    loopback = load("docs_loopback", ROOT / "packages" / "gpt-ie" / "benchmarks" / "loopback.py")
    with loopback.LoopbackServer(lambda *_: loopback.Act()) as started:
        yield started.url


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The cache of all pages: what one has drawn or encoded, the next finds."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="session")
def phantoms(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty phantoms as `medfilip phantom` writes them."""
    from medfilip_model.cli import app

    folder = tmp_path_factory.mktemp("phantoms") / "set"
    words = ["phantom", "--n", "40", "--size", "64", "--workers", "1", "--out", str(folder)]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    return folder


@pytest.fixture(scope="session")
def small_run(tmp_path_factory: pytest.TempPathFactory, phantoms: Path) -> Path:
    """A run of seconds, with a calibration, on those phantoms."""
    from medfilip_model import recipes, train

    config = recipes.phantom().replace(
        out=tmp_path_factory.mktemp("runs") / "phantom",
        epochs=1,
        batch=8,
        data__folder=phantoms,
        data__workers=1,
        model__size=32,
        model__embed=32,
        model__image={"name": "test_resnet"},
        model__text__layers=1,
        targets__encoder="lexical",
    )
    return train(config).out
