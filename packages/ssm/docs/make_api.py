"""Write docs/api.md: signature and docstring of every public name, as the source has them.

Run: uv run python packages/ssm/docs/make_api.py
"""

import ast
import inspect
import re
import sys
import textwrap
from pathlib import Path

import ssm

PAGE = Path(__file__).with_name("api.md")
WIDTH = 92
PARTS = {
    "Targets": ("semantic_similarity_matrix", "global_targets", "global_labels", "GlobalLabels"),
    "The bank": ("LabelBank",),
    "Calibration": ("fit_calibration", "Calibration", "CalibrationMethod"),
    "Losses": ("itm_loss", "soft_cross_entropy", "soft_sigmoid"),
    "Encoders": ("load_encoder", "choose_encoder", "EncoderChoice", "TextEncoder"),
    "Similarity": ("cosine", "normalise"),
    "Errors": (
        "SsmError",
        "EncoderError",
        "EncoderUnavailableError",
        "BankError",
        "UnknownTextError",
    ),
}
HEADINGS = ("Args", "Attributes", "Returns", "Raises")


def page() -> str:
    """The whole page."""
    listed = {name for names in PARTS.values() for name in names}
    if wrong := listed ^ set(ssm.__all__):
        sys.exit(f"PARTS and ssm.__all__ differ in {', '.join(sorted(wrong))}")
    lines = ["# API of ssm", "", "Made from the source by `docs/make_api.py`; not written by hand."]
    lines += ["", f"```text\n{inspect.getdoc(ssm)}\n```", ""]
    for part, names in PARTS.items():
        lines += [f"## {part}", ""]
        for name in names:
            lines += _entry(name)
    return "\n".join(lines).rstrip() + "\n"


def _entry(name: str) -> list[str]:
    """Lines of one public name."""
    found = getattr(ssm, name)
    heading = [f"### {name}", ""]
    if inspect.isclass(found):
        return heading + _class_lines(found)
    if inspect.isfunction(found):
        return heading + _code(_signature(_parse(found))) + _prose(inspect.getdoc(found))
    choices = str(found).replace("typing.", "")
    return [*heading, f"`{choices}`", ""]


def _class_lines(found: type) -> list[str]:
    node = _parse(found)
    assert isinstance(node, ast.ClassDef)
    bases = ", ".join(ast.unparse(base) for base in node.bases)
    head = f"class {node.name}({bases})" if bases else f"class {node.name}"
    fields = [ast.unparse(item) for item in node.body if isinstance(item, ast.AnnAssign)]
    code = "\n    ".join([f"{head}:", *fields]) if fields else head
    lines = _code(code.replace("'", '"'))
    lines += _prose(inspect.cleandoc(ast.get_docstring(node) or ""))
    for item in node.body:
        if not isinstance(item, ast.FunctionDef) or item.name.startswith("_"):
            continue
        decorators = {ast.unparse(decorator) for decorator in item.decorator_list}
        kind = "property" if decorators & {"property", "cached_property"} else "method"
        kind = "class method" if "classmethod" in decorators else kind
        lines += [f"#### {node.name}.{item.name}", ""]
        text = ast.get_docstring(item)
        lines += _code(_signature(item), note="" if kind == "method" else f"  # {kind}")
        lines += _prose(text)
    return lines


def _parse(found: object) -> ast.AST:
    (node,) = ast.parse(textwrap.dedent(inspect.getsource(found))).body  # type: ignore[arg-type]
    return node


def _signature(node: ast.AST) -> str:
    """The head of a function on one line, or one argument a line where it is long."""
    assert isinstance(node, ast.FunctionDef)
    returns = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    arguments = [
        re.sub(r"(: .*[^ ])=(?=[^=]+$)", r"\1 = ", a) for a in _split(ast.unparse(node.args))
    ]
    line = f"{node.name}({', '.join(arguments)}){returns}"
    if len(line) > WIDTH:
        rows = "".join(f"    {argument},\n" for argument in arguments)
        line = f"{node.name}(\n{rows}){returns}"
    return line.replace("'", '"').replace(" ** ", "**")


def _split(arguments: str) -> list[str]:
    """Split at the commas that stand in no bracket and no string."""
    parts, depth, quoted = [""], 0, False
    for sign in arguments:
        quoted ^= sign == "'"
        depth += (sign in "([{") - (sign in ")]}") if not quoted else 0
        if sign == "," and not depth and not quoted:
            parts.append("")
        else:
            parts[-1] += sign
    return [part.strip() for part in parts]


def _code(text: str, note: str = "") -> list[str]:
    first, *rest = text.split("\n")
    return ["```python", f"{first}{note}", *rest, "```", ""]


def _prose(text: str | None) -> list[str]:
    """A Google docstring as Markdown: sections as lists, double backquotes as single ones."""
    lines: list[str] = []
    section = ""
    for line in (text or "").replace("``", "`").split("\n"):
        name = line.removesuffix(":")
        if name in HEADINGS and line.endswith(":"):
            section = name
            lines += [f"**{name}**", ""]
        elif section and line.startswith(" " * 4):
            item = line[4:]
            entry = re.match(r"(\w+): (.*)", item)
            if entry and section != "Returns" and not item.startswith(" "):
                lines.append(f"- `{entry[1]}`: {entry[2]}")
            else:
                lines.append(f"  {item.strip()}" if section != "Returns" else item.strip())
        else:
            section = "" if line.strip() else section
            lines.append(re.sub(r"::$", ":", line))
    return [*lines, ""]


if __name__ == "__main__":
    content = page()
    if sys.argv[1:] == ["--check"]:
        if not PAGE.is_file() or PAGE.read_text("utf-8") != content:
            sys.exit(f"{PAGE.name} is not what the source says: run 'just api'")
    else:
        PAGE.write_text(content, encoding="utf-8")
