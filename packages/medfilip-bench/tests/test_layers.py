"""Inside the package a module imports only modules that the README lists above it."""

import ast
import re
from pathlib import Path

import medfilip_bench

ROOT = Path(medfilip_bench.__file__).parent
README = Path(__file__).parents[1] / "README.md"


def listed():
    """The modules in the README's tree, in its order."""
    tree = re.search(r"```text\nmedfilip_bench/\n(.*?)```", README.read_text("utf-8"), re.DOTALL)
    return re.findall(r"^  ([\w/]+)\.py", tree.group(1), flags=re.MULTILINE)


def imports(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("medfilip_bench."):
            yield node.module.removeprefix("medfilip_bench.").replace(".", "/")


def test_every_module_is_listed():
    modules = {str(p.relative_to(ROOT).with_suffix("")) for p in ROOT.rglob("*.py")}
    assert {m for m in modules if not m.endswith("__init__")} == set(listed())


def test_modules_import_only_what_stands_above_them():
    order = {name: place for place, name in enumerate(listed())}
    # The package of all tasks stands where its last task does.
    order["tasks"] = max(place for name, place in order.items() if name.startswith("tasks/"))
    for name in listed():
        for used in imports(ROOT / f"{name}.py"):
            assert order[used] < order[name], f"{name} imports {used}"


def test_only_the_command_line_prints():
    for path in ROOT.rglob("*.py"):
        if path.name != "cli.py":
            assert "print(" not in path.read_text(encoding="utf-8"), path
