import errno
import os
import stat
from pathlib import Path

import pytest
from gpt_ie.schema import Usage
from gpt_ie.store import (
    Entry,
    Journal,
    StoreError,
    content_key,
    failed_path,
    journal_path,
    read_findings,
)


def key_of(name: str) -> str:
    return content_key("e", name, {})


def write(out: Path, names: list[str], *, finish: bool = True, order: str = "fifo") -> list[str]:
    """Record one result a name; return the names that were produced and not taken over."""
    with Journal(out) as journal:
        todo = [
            (place, name)
            for place, name in enumerate(names)
            if journal.take(place, key_of(name)) is None
        ]
        for place, name in reversed(todo) if order == "lifo" else todo:
            outcome = "failed" if name.startswith("f") else "ok"
            journal.put(place, key_of(name), Entry(outcome, f'{{"of": "{name}"}}'))
        if finish:
            journal.finish()
    return [name for _, name in todo]


def test_results_and_failures_are_sorted_out(tmp_path: Path):
    out = tmp_path / "x.findings.jsonl"
    write(out, ["a", "f1", "b"])
    assert out.read_text() == '{"of": "a"}\n{"of": "b"}\n'
    assert failed_path(out).read_text() == '{"of": "f1"}\n'
    assert failed_path(out).name == "x.findings.failed.jsonl"
    assert not journal_path(out).exists()


def test_results_in_any_order_make_the_same_files(tmp_path: Path):
    names = ["a", "f1", "b", "f2", "c"]
    outs = [tmp_path / "fifo.jsonl", tmp_path / "lifo.jsonl"]
    for out, order in zip(outs, ("fifo", "lifo"), strict=True):
        write(out, names, order=order)
    assert outs[0].read_bytes() == outs[1].read_bytes()
    assert failed_path(outs[0]).read_bytes() == failed_path(outs[1]).read_bytes()


def test_an_old_file_of_failures_goes_when_nothing_fails(tmp_path: Path):
    out = tmp_path / "x.jsonl"
    write(out, ["f1"])
    write(out, ["a"])
    assert not failed_path(out).exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x.jsonl"]


@pytest.mark.parametrize("order", ["fifo", "lifo"])
@pytest.mark.parametrize("kept", range(0, 300, 7))
def test_a_journal_cut_anywhere_is_taken_up(tmp_path: Path, kept: int, order: str):
    out, whole = tmp_path / "x.jsonl", tmp_path / "whole.jsonl"
    names = ["a", "f1", "b", "c"]
    write(whole, names)
    write(out, names, finish=False, order=order)
    content = journal_path(out).read_bytes()
    journal_path(out).write_bytes(content[:kept])
    produced = write(out, names)
    done = max(0, content[:kept].count(b"\n") - 1)
    assert produced == (names[done:] if order == "fifo" else names[: len(names) - done])
    assert out.read_bytes() == whole.read_bytes()
    assert failed_path(out).read_bytes() == failed_path(whole).read_bytes()


@pytest.mark.parametrize("place", range(24, 300, 11))
def test_a_line_that_rots_is_produced_anew_and_no_other(tmp_path: Path, place: int):
    out, whole = tmp_path / "x.jsonl", tmp_path / "whole.jsonl"
    names = ["a", "b", "c"]
    write(whole, names)
    write(out, names, finish=False)
    content = bytearray(journal_path(out).read_bytes())
    place = min(place, len(content) - 2)
    place += content[place] == ord("\n")
    content[place] ^= 1
    journal_path(out).write_bytes(content)
    assert write(out, names) in ([name] for name in names)
    assert out.read_bytes() == whole.read_bytes()


@pytest.mark.parametrize(
    ("second", "produced"),
    [
        (["a", "b", "c"], []),
        (["a", "x", "c"], ["x"]),
        (["a"], []),
        (["a", "b", "c", "d"], ["d"]),
        (["z"], ["z"]),
        (["c", "y", "b", "a"], ["y"]),
    ],
)
def test_what_has_the_same_content_is_taken_over_wherever_it_stands(
    tmp_path: Path, second: list[str], produced: list[str]
):
    out = tmp_path / "x.jsonl"
    write(out, ["a", "b", "c"], finish=False)
    assert write(out, second) == produced
    assert out.read_text() == "".join(f'{{"of": "{name}"}}\n' for name in second)


def test_what_a_cut_left_of_a_line_does_not_spoil_the_next(tmp_path: Path):
    out = tmp_path / "x.jsonl"
    write(out, ["a", "b"], finish=False)
    journal_path(out).write_bytes(journal_path(out).read_bytes()[:-5])
    assert write(out, ["a", "b"], finish=False) == ["b"]
    assert write(out, ["a", "b"]) == []


def test_a_journal_of_another_version_is_not_thrown_away_unread(tmp_path: Path):
    out = tmp_path / "x.jsonl"
    content = b"gpt-ie journal 3 all\nlines of a form that is not known yet\n"
    journal_path(out).write_bytes(content)
    with pytest.raises(StoreError, match="made by another gpt-ie"):
        Journal(out)
    assert journal_path(out).read_bytes() == content


def test_lines_of_the_output_that_is_there_are_kept(tmp_path: Path):
    out = tmp_path / "x.jsonl"
    out.write_text('{"of": "a"}\n{"of": "b"}\n', encoding="utf-8")
    with Journal(out, mode="retry") as journal:
        journal.put(1, key_of("new"), Entry("ok", '{"of": "new"}'))
        journal.keep(0, 12)
        journal.keep(2, 0)
        journal.finish()
    assert out.read_text() == '{"of": "b"}\n{"of": "new"}\n{"of": "a"}\n'


def test_keys_that_begin_alike_are_told_apart(tmp_path: Path):
    out = tmp_path / "x.jsonl"
    with Journal(out) as journal:
        journal.put(0, "a" * 16 + "b" * 16, Entry("ok", "{}"))
    with Journal(out) as journal:
        assert journal.take(0, "a" * 16 + "c" * 16) is None
        assert journal.take(0, "a" * 16 + "b" * 16) == Entry("ok", "{}")


def test_what_a_failure_cost_is_kept(tmp_path: Path):
    out = tmp_path / "x.jsonl"
    usage = Usage(calls=3, prompt_tokens=40, completion_tokens=5, cost=0.25)
    with Journal(out) as journal:
        journal.put(0, key_of("a"), Entry("failed", "{} with spaces ", usage))
    with Journal(out) as journal:
        found = journal.take(0, key_of("a"))
    assert found == Entry("failed", "{} with spaces ", usage)


@pytest.mark.parametrize(
    "rubbish",
    [
        b"\xff\xfe\nno\nkey maybe {}\n",
        b"0123456789abcdef0123456789abcdef ok {}\n",
        b"gpt-ie jour",
        b"gpt-ie journal 2 all\nsix words that are no line\n",
        b"gpt-ie journal 2 retry\n",
    ],
)
def test_rubbish_in_the_journal_is_dropped(tmp_path: Path, rubbish: bytes):
    out = tmp_path / "x.jsonl"
    journal_path(out).write_bytes(rubbish)
    assert write(out, ["a"]) == ["a"]
    assert out.read_text() == '{"of": "a"}\n'


def test_results_of_another_kind_of_run_are_not_thrown_away(tmp_path: Path):
    out = tmp_path / "x.jsonl"
    write(out, ["a"], finish=False)
    before = journal_path(out).read_bytes()
    with pytest.raises(StoreError, match="without --retry-failed"):
        Journal(out, mode="retry")
    journal_path(out).write_bytes(before.replace(b" all\n", b" retry\n"))
    with pytest.raises(StoreError, match="retried failures only"):
        Journal(out)
    journal_path(out).write_bytes(before.replace(b"journal 2", b"journal 3"))
    with pytest.raises(StoreError, match="made by another gpt-ie"):
        Journal(out)
    with Journal(out, resume=False) as journal:
        assert journal.take(0, key_of("a")) is None


def test_a_second_run_is_noticed_at_the_start(tmp_path: Path):
    out = tmp_path / "x.jsonl"
    with Journal(out) as journal:
        journal.put(0, key_of("a"), Entry("ok", "{}"))
        for resume in (True, False):
            with pytest.raises(StoreError, match="another run"):
                Journal(out, resume=resume)
        journal.finish()
    assert out.read_text() == "{}\n"


def test_a_second_writer_is_noticed_and_the_old_output_stays(tmp_path: Path):
    out = tmp_path / "x.jsonl"
    out.write_text("old")
    with Journal(out) as journal:
        journal.put(0, key_of("a"), Entry("ok", "{}"))
        with journal_path(out).open("ab") as other:
            other.write(b"b ok {}\n" * 3)
        with pytest.raises(StoreError, match="another run"):
            journal.finish()
    assert out.read_text() == "old"


def test_the_journal_is_private_and_the_output_is_not(tmp_path: Path):
    out = tmp_path / "x.jsonl"
    before = os.umask(0o022)
    try:
        with Journal(out) as journal:
            assert stat.S_IMODE(journal_path(out).stat().st_mode) == 0o600
            journal.put(0, key_of("a"), Entry("ok", "{}"))
            journal.finish()
    finally:
        os.umask(before)
    assert stat.S_IMODE(out.stat().st_mode) == 0o644


def test_what_a_kill_left_of_the_output_goes(tmp_path: Path):
    out = tmp_path / "x[1].jsonl"
    for name in (".x[1].jsonl.k.tmp", ".x[1].failed.jsonl.k.tmp", ".x1.jsonl.k.tmp"):
        (tmp_path / name).touch()
    write(out, ["a"])
    assert sorted(path.name for path in tmp_path.iterdir()) == [".x1.jsonl.k.tmp", "x[1].jsonl"]


def test_a_full_disk_leaves_whole_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    out, real = tmp_path / "x.jsonl", os.write
    left = [250]

    def until_full(handle: int, data: bytes) -> int:
        """Like the system: what fits is written, and only the next call fails."""
        if not left[0]:
            raise OSError(errno.ENOSPC, "No space left on device")
        written = real(handle, data[: left[0]])
        left[0] -= written
        return written

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", until_full)
        with pytest.raises(StoreError, match="No space left on device; the results so far stay"):
            write(out, list("abcdef"))
    lines = journal_path(out).read_bytes().splitlines(keepends=True)
    assert len(lines) > 2
    assert lines[-1].endswith(b"\n")
    assert write(out, list("abcdef")) == list("abcdef")[len(lines) - 1 :]


def test_an_output_that_does_not_fit_leaves_the_journal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    out = tmp_path / "x.jsonl"
    out.write_text("old")
    write(out, ["a"], finish=False)

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(StoreError, match="No space left on device"):
            write(out, ["a"])
    assert out.read_text() == "old"
    assert write(out, ["a"]) == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x.jsonl"]


def test_a_result_that_is_missing_makes_no_output(tmp_path: Path):
    with Journal(tmp_path / "x.jsonl") as journal:
        journal.put(1, key_of("b"), Entry("ok", "{}"))
        with pytest.raises(StoreError, match="no result for report 1"):
            journal.finish()


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
