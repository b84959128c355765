"""What the workspace promises of itself: packaging, arrows, and what it must not contain."""

import re
import subprocess
import tomllib
from itertools import permutations
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = sorted(path.parent for path in ROOT.glob("packages/*/pyproject.toml"))
SIBLINGS = {
    "gpt-ie",
    "iki-knowledge",
    "medfilip-app",
    "medfilip-bench",
    "medfilip-model",
    "medfilip-ssm",
}
# Who may import whom; everything else must stand in an import-linter contract.
ARROWS = {
    ("gpt_ie", "iki_knowledge"),
    ("medfilip_app", "gpt_ie"),
    ("medfilip_app", "iki_knowledge"),
    ("medfilip_app", "medfilip_model"),
    ("medfilip_model", "iki_knowledge"),
    ("medfilip_model", "ssm"),
    ("medfilip_bench", "gpt_ie"),
    ("medfilip_bench", "iki_knowledge"),
    ("medfilip_bench", "medfilip_model"),
    ("medfilip_bench", "ssm"),
}


def load(path: Path) -> dict:
    return tomllib.loads(path.read_text(encoding="utf-8"))


def tracked() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    ).stdout.decode()
    return [path for name in listed.split("\0") if name and (path := ROOT / name).is_file()]


def tracked_text() -> list[tuple[Path, str]]:
    binary = {".png", ".npz", ".npy", ".jpg", ".safetensors"}
    return [
        (path.relative_to(ROOT), path.read_text(encoding="utf-8"))
        for path in tracked()
        if path.suffix not in binary
    ]


def test_there_are_six_packages():
    assert {load(path / "pyproject.toml")["project"]["name"] for path in PACKAGES} == SIBLINGS


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: path.name)
def test_package_is_complete(package: Path):
    project = load(package / "pyproject.toml")["project"]
    assert re.fullmatch(r"\d+\.\d+\.\d+", project["version"]), "the version is static"
    assert project["license"] == "Apache-2.0"
    (source,) = [path for path in (package / "src").iterdir() if (path / "__init__.py").is_file()]
    assert (source / "py.typed").is_file()
    assert "__all__" in (source / "__init__.py").read_text(encoding="utf-8")
    assert f"[{project['version']}]" in (package / "CHANGELOG.md").read_text(encoding="utf-8")
    assert len((package / "README.md").read_text(encoding="utf-8").splitlines()) > 20


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: path.name)
def test_sibling_requirements_are_ranges(package: Path):
    project = load(package / "pyproject.toml")["project"]
    for requirement in project["dependencies"]:
        name = re.split(r"[\[<>=~! ]", requirement, maxsplit=1)[0]
        if name in SIBLINGS:
            assert re.search(r">=\d[\d.]*,<\d[\d.]*$", requirement), requirement


def test_root_depends_on_every_member():
    root = load(ROOT / "pyproject.toml")
    required = {re.split(r"[\[<>= ]", entry)[0] for entry in root["project"]["dependencies"]}
    assert required == SIBLINGS
    assert set(root["tool"]["uv"]["sources"]) == SIBLINGS
    assert "exclude-newer" in root["tool"]["uv"]


def test_types_are_checked_in_every_package():
    """A pattern that matches no folder would leave the checker with nothing to complain about."""
    included = load(ROOT / "pyproject.toml")["tool"]["basedpyright"]["include"]
    assert sorted(ROOT / path for path in included) == [path / "src" for path in PACKAGES]
    assert all((ROOT / path).is_dir() for path in included)


def test_every_missing_arrow_is_a_contract():
    linter = load(ROOT / "pyproject.toml")["tool"]["importlinter"]
    forbidden = {
        (source, target)
        for contract in linter["contracts"]
        if contract["type"] == "forbidden"
        for source in contract["source_modules"]
        for target in contract["forbidden_modules"]
    }
    modules = {source for source, _ in ARROWS} | {target for _, target in ARROWS}
    assert set(linter["root_packages"]) == modules
    assert forbidden == set(permutations(modules, 2)) - ARROWS


def test_lock_export_is_pinned_by_hash_and_names_no_host():
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    pins = re.findall(r"^[A-Za-z0-9._-]+==\S+", text, flags=re.MULTILINE)
    assert len(pins) > 50
    assert len(re.findall(r"==\S+.*\\\n    --hash=sha256:[0-9a-f]{64}", text)) == len(pins)
    assert "://" not in text
    assert "uv.lock" in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert ROOT / "uv.lock" not in tracked()


def test_no_package_host_and_no_machine_path_is_written_anywhere():
    # Spelled in pieces, so that this file does not name them either.
    names = "|".join(["py" + "pi", "python" + "hosted", "npm" + "js"])
    hosts = re.compile(rf"({names})[.](org|com)")
    paths = re.compile(r"(^|[^a-zA-Z0-9_.$}~>])/(work|root|home)/", flags=re.MULTILINE)
    for path, text in tracked_text():
        assert not hosts.search(text), f"{path} names a package host"
        assert not paths.search(text), f"{path} names a path of one machine"


def test_no_large_file_and_no_image_but_drawn_ones():
    for path in tracked():
        relative = path.relative_to(ROOT)
        assert path.stat().st_size < 1_500_000, f"{relative} is large"
        if path.suffix in {".png", ".jpg", ".jpeg", ".dcm"}:
            assert "docs" in relative.parts, f"{relative}: images live in docs/"
