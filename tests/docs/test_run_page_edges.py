"""Edges of following a page, and of the help that the reference shows."""

from pathlib import Path
from types import ModuleType

import pytest


@pytest.mark.parametrize("unit", ["reports/s", "pairs/s", "images/s", "s", "min"])
def test_figures_of_time_are_not_compared(run_page: ModuleType, unit: str):
    assert run_page.differences(f"done at 1,200.5 {unit}", f"done at 7 {unit}\n") == []


def test_what_belongs_to_no_command_is_no_output(run_page: ModuleType):
    page = '```toml title="own.toml"\nk = 1\n```\n```text\nx\n```\n'
    assert [step.kind for step in run_page.steps(page)] == ["file"]


def test_what_stands_in_a_tab_is_taken_without_its_indent(run_page: ModuleType):
    page = '    ```text title="a.txt"\n    one\n      two\n    ```\n'
    (step,) = run_page.steps(page)
    assert step.text == "one\n  two\n"


def test_a_line_is_compared_to_its_end(run_page: ModuleType):
    assert run_page.differences("AUC 0.92", "AUC 0.920\n")
    assert run_page.differences("AUC …0", "AUC 0.920 x\n")


def test_what_is_found_is_not_found_again(run_page: ModuleType):
    assert run_page.differences("a\na", "a\n")
    assert run_page.differences("…\nb\nd", "a\nb\nc\nd")


def test_commands_print_plainly_and_a_hundred_columns_wide(
    run_page: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "40")
    printed = run_page.run('echo "$COLUMNS ${NO_COLOR} ${FORCE_COLOR:-plain}"', tmp_path)
    assert printed == "100 1 plain\n"


def test_help_stands_only_where_a_line_asks_for_it(hook: ModuleType):
    inline = "as `<!-- commands of gpt-ie -->` says"
    assert hook.on_page_markdown(inline) == inline


def test_a_readme_without_help_is_an_error(
    hook: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(hook, "PACKAGES", tmp_path)
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "README.md").write_text("```bash\nown run\n```\n", encoding="utf-8")
    with pytest.raises(ValueError, match="'own' shows the help of no command"):
        hook.helps("own")
