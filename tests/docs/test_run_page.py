"""What a page asks for, and whether what was printed is what it shows."""

import shlex
import sys
from pathlib import Path
from types import ModuleType

import pytest

PAGE = """
Text.

```bash
echo a  # a remark
echo "b   c" \\
    d
```

```text
a
```

Later, and no output:

```text
x
```

```toml title="own.toml"
k = 1
```

=== "Indented"

    ```bash
    echo e
    ```

```console
$ echo f  # a remark
$ echo g
g

```

```python
print("only to read")
```
"""


def test_steps_stand_in_the_order_of_the_page(run_page: ModuleType):
    found = [(step.kind, step.text, step.name) for step in run_page.steps(PAGE)]
    assert found == [
        ("command", "echo a", ""),
        ("command", 'echo "b c" d', ""),
        ("output", "a\n", ""),
        ("file", "k = 1\n", "own.toml"),
        ("command", "echo e", ""),
        ("command", "echo f", ""),
        ("command", "echo g", ""),
        ("output", "g\n\n", ""),
    ]


def test_a_file_of_the_clone_is_taken_in(run_page: ModuleType):
    page = '```python title="own_model.py"\n--8<-- "examples/own_model.py"\n```\n'
    (step,) = run_page.steps(page)
    assert step.text == (run_page.CLONE / "examples" / "own_model.py").read_text("utf-8")


@pytest.mark.parametrize(
    ("wanted", "printed"),
    [
        ("a\nb", "a\nb\n"),
        ("a\n…\nd", "a\nb\nc\nd"),
        ("a\n…", "a\nb"),
        ("3 reports, … findings", "3 reports, 12 findings"),
        ("written in 152 s at 400 images/s", "written in 8 s at 39 images/s"),
    ],
)
def test_what_agrees(run_page: ModuleType, wanted: str, printed: str):
    assert run_page.differences(wanted, printed) == []


@pytest.mark.parametrize(
    ("wanted", "printed"),
    [
        ("macro AUC 0.920", "macro AUC 0.921"),
        ("a\nc", "a\nb\nc"),
        ("a", "a\nb"),
        ("a\nb", "a"),
        ("a\n…\nx", "a\nb\nc"),
        ("9 epochs in 152 s", "8 epochs in 152 s"),
    ],
)
def test_what_does_not(run_page: ModuleType, wanted: str, printed: str):
    assert run_page.differences(wanted, printed)


def test_a_page_is_followed_until_it_fails(run_page: ModuleType, tmp_path: Path):
    page = tmp_path / "page.md"
    page.write_text(
        '```text title="a.txt"\nhello\n```\n```bash\ncat a.txt\n```\n```text\nhello\n```\n'
    )
    (line,) = run_page.follow(page, tmp_path)
    assert line.endswith("cat a.txt")
    page.write_text("```bash\necho b\n```\n```text\nc\n```\n")
    with pytest.raises(RuntimeError, match=r"(?s)echo b prints something else.*wanted: c"):
        list(run_page.follow(page, tmp_path))
    page.write_text("```bash\nfalse\n```\n")
    with pytest.raises(RuntimeError, match="exit code 1"):
        list(run_page.follow(page, tmp_path))


def test_a_server_that_does_not_start_is_an_error(run_page: ModuleType, tmp_path: Path):
    command = shlex.join([sys.executable, "-c", "print('no page')"])
    with pytest.raises(RuntimeError, match="no page answered: no page"):
        run_page.serve(command, tmp_path)


def test_the_help_of_a_readme_stands_in_the_reference(hook: ModuleType):
    text = hook.on_page_markdown("# x\n\n<!-- commands of gpt-ie -->\n")
    assert "### `gpt-ie extract`\n\n```text\nUsage: gpt-ie extract " in text
    assert text.count("### `gpt-ie") == 10
    with_console = hook.helps("medfilip-model")
    assert "$ medfilip predict --help" not in with_console
    assert "### `medfilip predict`" in with_console
    assert "### `iki`" in hook.helps("iki-knowledge")
