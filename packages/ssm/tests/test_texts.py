import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ssm import SsmError
from ssm.texts import TextTable, read_texts, unknown_column


@pytest.fixture
def file(tmp_path):
    def write(name, content):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def test_lines(file):
    content = "\ufeffa dog\r\n\r\n  Käse 犬 \rthe\u2028end\x0cof\na dog\n \t\n"
    table = read_texts(file("texts.txt", content))
    # Only line ends end a line: neither a form feed nor Unicode's separators do.
    assert table.texts == ("a dog", "Käse 犬", "the\u2028end\x0cof")
    assert (table.columns, table.repeated, table.blank, table.conflicts) == ({}, 1, 0, {})


def test_a_file_without_an_ending_has_lines(file):
    assert read_texts(file("texts", "a\nb,c\n")).texts == ("a", "b,c")


ROWS = [("a dog", "pets", "1"), ("a cat, asleep", "pets", ""), ('a "boat"\nat sea', "boats", "3")]
TABLE = TextTable(
    texts=tuple(row[0] for row in ROWS),
    columns={"category": ("pets", "pets", "boats"), "rank": ("1", "", "3")},
)


@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_csv_and_tsv(file, ends, mark):
    quoted = '"a ""boat""\nat sea"'
    lines = ["category,caption,rank", "pets, a dog ,1", "", 'pets,"a cat, asleep",', ",,"]
    content = mark + ends.join([*lines, f"boats,{quoted},3"])
    assert read_texts(file("t.csv", content), "caption") == TABLE
    lines = ["category\tcaption\trank", "pets\ta dog\t1", "pets\ta cat, asleep\t"]
    content = mark + ends.join([*lines, f"boats\t{quoted}\t3", ""])
    assert read_texts(file("T.TSV", content), "caption") == TABLE


def test_jsonl(file):
    records = [
        {"caption": " a dog ", "category": "pets", "rank": 1},
        {"caption": "a cat, asleep", "category": "pets", "rank": None},
        {"caption": 'a "boat"\nat sea', "category": "boats", "rank": 3, "tags": ["é"]},
    ]
    content = "\n\n".join(json.dumps(record) for record in records)
    found = read_texts(file("t.jsonl", content), "caption")
    assert found.texts == TABLE.texts
    assert found.columns == TABLE.columns | {"tags": ("", "", '["é"]')}


cells = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=8).map(str.strip)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(cells.filter(bool), cells), min_size=1, max_size=8))
def test_jsonl_gives_back_what_was_written(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("rows") / "t.jsonl"
    lines = [json.dumps({"text": text, "group": group}, ensure_ascii=False) for text, group in rows]
    path.write_text("\n".join(lines), encoding="utf-8", newline="")
    found = read_texts(path)
    first = {}
    for text, group in rows:
        first.setdefault(text, group)
    assert dict(zip(found.texts, found.columns["group"], strict=True)) == first
    assert found.repeated == len(rows) - len(first)


def test_the_first_of_repeated_texts_counts(file):
    content = "text,category,rank\na,x,1\nb,y,1\na,z,1\na,x,2\n ,w,3\n"
    table = read_texts(file("t.csv", content))
    assert table.texts == ("a", "b")
    assert table.columns == {"category": ("x", "y"), "rank": ("1", "1")}
    assert (table.repeated, table.blank) == (2, 1)
    assert table.conflicts == {"category": 1, "rank": 1}


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("t.txt", "", r"'.*t\.txt' holds no text: give one text a line"),
        ("t.txt", "\ufeff \r\n\t\n", "holds no text"),
        ("t.csv", "", "holds no text"),
        ("t.csv", "text,category\n", "holds no text"),
        ("t.csv", 'text,category\n" ",x\n', "holds no text"),
        ("t.jsonl", "\n", "holds no text"),
        ("t.txt", b"a dog\nK\xe4se\n", "line 2: byte 0xe4 is not UTF-8; save the file as UTF-8"),
        ("t.csv", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "is a binary file: give a text file"),
        ("t.txt", b"a\0b", "is a binary file"),
        ("t.csv", "text\na\n".encode("utf-16"), "is UTF-16: save the file as UTF-8"),
        ("t.xlsx", b"PK\3\4", r"ends in '\.xlsx': give a file in \.txt \(one text a line\), \.csv"),
        ("t.csv", "txt,category\na,b\n", r"no column 'text' \(it has 'txt', 'category'\), did you"),
        ("t.csv", "text;category\na;b\n", "its fields are separated by ';', expected ','"),
        ("t.tsv", "text,category\na,b\n", r"separated by ',', expected '\\t'"),
        ("t.csv", "text,a,a\nx,y,z\n", "must name each column once, got 'a'"),
        ("t.csv", "text,\nx,y\n", "must name each column once, got ''"),
        ("t.csv", "text,category\na dog, asleep,pets\n", "line 2: 3 fields, the header has 2"),
        ("t.csv", "text,category\na\n", "line 2: 1 fields, the header has 2"),
        ("t.csv", 'text\n"a dog\n', "line 2: unexpected end of data"),
        ("t.csv", f"text\n{'x' * 200_000}\n", "line 2: field larger than field limit"),
        ("t.jsonl", '{"text": "a"}\n{"text"\n', "line 2: no JSON"),
        ("t.jsonl", "[" * 200_000, "line 1: no JSON"),
        ("t.jsonl", '["a"]', "line 1: expected an object"),
        ("t.jsonl", '{"txt": "a"}', "line 1 has no column 'text' .* did you mean 'txt'"),
        ("t.jsonl", '{"text": 3}', "line 1: 'text' must be a string, got 3"),
        ("t.jsonl", r'{"text": "a", "x": "\ud83d"}', "line 1: no JSON .*surrogates not allowed"),
    ],
)
def test_bad_files_are_named(file, name, content, message):
    with pytest.raises(SsmError, match=message) as caught:
        read_texts(file(name, content))
    assert name in str(caught.value)
    assert len(str(caught.value)) < 400


def test_no_file_and_a_folder(tmp_path):
    with pytest.raises(SsmError, match=r"cannot read '.*nowhere\.txt': No such file"):
        read_texts(tmp_path / "nowhere.txt")
    with pytest.raises(SsmError, match="Is a directory"):
        read_texts(tmp_path)


def test_unknown_column_of_none():
    assert unknown_column("category", []) == "no column 'category' (it has none)"
