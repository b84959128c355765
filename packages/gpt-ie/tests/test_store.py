from pathlib import Path

import pytest
from gpt_ie.store import (
    Journal,
    Outcome,
    StoreError,
    content_key,
    failed_path,
    journal_path,
    read_findings,
)


def write(out: Path, keys: list[str], *, finish: bool = True) -> list[str]:
    """Record one result a key; return the keys that were produced and not taken over."""
    produced: list[str] = []

    def produce(key: str) -> tuple[Outcome, str]:
        produced.append(key)
        return ("failed" if key.startswith("f") else "ok"), f'{{"of": "{key}"}}'

    with Journal(out) as journal:
        for key in keys:
            journal.record(key, lambda key=key: produce(key))
        if finish:
            journal.finish()
    return produced


def test_results_and_failures_are_sorted_out(tmp_path: Path):
    out = tmp_path / "x.findings.jsonl"
    write(out, ["a", "f1", "b"])
    assert out.read_text() == '{"of": "a"}\n{"of": "b"}\n'
    assert failed_path(out).read_text() == '{"of": "f1"}\n'
    assert failed_path(out).name == "x.findings.failed.jsonl"
    assert not journal_path(out).exists()


def test_an_old_file_of_failures_goes_when_nothing_fails(tmp_path: Path):
    out = tmp_path / "x.jsonl"
    write(out, ["f1"])
    write(out, ["a"])
    assert not failed_path(out).exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x.jsonl"]


@pytest.mark.parametrize("kept", range(0, 60, 7))
def test_a_journal_cut_anywhere_is_taken_up(tmp_path: Path, kept: int):
    out, whole = tmp_path / "x.jsonl", tmp_path / "whole.jsonl"
    keys = ["a", "f1", "b", "c"]
    write(whole, keys)
    write(out, keys, finish=False)
    content = journal_path(out).read_bytes()
    journal_path(out).write_bytes(content[:kept])
    produced = write(out, keys)
    assert produced == keys[content[:kept].count(b"\n") :]
    assert out.read_bytes() == whole.read_bytes()
    assert failed_path(out).read_bytes() == failed_path(whole).read_bytes()


@pytest.mark.parametrize(
    ("second", "produced"),
    [
        (["a", "b", "c"], []),
        (["a", "x", "c"], ["x", "c"]),
        (["a"], []),
        (["a", "b", "c", "d"], ["d"]),
        (["z"], ["z"]),
    ],
)
def test_only_the_same_start_of_the_input_is_taken_over(
    tmp_path: Path, second: list[str], produced: list[str]
):
    out = tmp_path / "x.jsonl"
    write(out, ["a", "b", "c"], finish=False)
    assert write(out, second) == produced
    assert out.read_text() == "".join(f'{{"of": "{key}"}}\n' for key in second)


def test_rubbish_in_the_journal_is_dropped(tmp_path: Path):
    out = tmp_path / "x.jsonl"
    journal_path(out).write_bytes(b"\xff\xfe\nno\nkey maybe {}\n")
    assert write(out, ["a"]) == ["a"]
    assert out.read_text() == '{"of": "a"}\n'


def test_a_second_writer_is_noticed_and_the_old_output_stays(tmp_path: Path):
    out = tmp_path / "x.jsonl"
    out.write_text("old")
    with Journal(out) as journal:
        journal.record("a", lambda: ("ok", "{}"))
        with journal_path(out).open("ab") as other:
            other.write(b"b ok {}\n" * 3)
        with pytest.raises(StoreError, match="another run"):
            journal.finish()
    assert out.read_text() == "old"


def test_the_key_depends_on_all_that_decides():
    base = content_key("e", "id", {"a": "x", "b": "y"})
    others = [
        content_key("f", "id", {"a": "x", "b": "y"}),
        content_key("e", "ie", {"a": "x", "b": "y"}),
        content_key("e", "id", {"a": "xy", "b": ""}),
        content_key("e", "id", {"b": "y", "a": "x"}),
    ]
    assert len({base, *others}) == 5
    assert base == content_key("e", "id", {"a": "x", "b": "y"})


def test_reading_names_the_line_that_is_wrong(tmp_path: Path):
    path = tmp_path / "x.jsonl"
    good = '{"report_id": "a", "schema": 1, "engine": "e", "findings": []}'
    path.write_text(f"{good}\n\n{good}\n", encoding="utf-8")
    assert [record.report_id for record in read_findings(path)] == ["a", "a"]
    path.write_text(f"{good}\n{good.replace('1', '2')}\n", encoding="utf-8")
    with pytest.raises(StoreError, match="line 2: schema"):
        list(read_findings(path))
    with pytest.raises(StoreError, match="cannot read"):
        list(read_findings(tmp_path / "none.jsonl"))
