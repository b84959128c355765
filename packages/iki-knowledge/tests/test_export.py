import csv
import io
import json

import pytest
from iki_knowledge import Entry, load_knowledge
from iki_knowledge.export import changes, to_csv, to_json


def test_json_holds_everything_and_reads_back(kb):
    data = json.loads(json.dumps(to_json(kb)))
    assert data["version"] == kb.version
    assert {name: Entry.model_validate(fields) for name, fields in data["entries"].items()} == dict(
        kb.entries
    )
    assert len(data["attributes"]) == len(kb.attributes)
    assert data["crosswalks"]["siim"] == {"Pneumothorax": "pneumothorax"}
    assert set(data["references"]) == set(kb.references)


def test_csv_has_a_line_a_category(kb):
    rows = list(csv.DictReader(io.StringIO(to_csv(kb))))
    assert [row["id"] for row in rows] == list(kb)
    row = next(row for row in rows if row["id"] == "pleural_effusion")
    entry = kb["pleural_effusion"]
    assert row["explanation"] == entry.explanation
    assert row["attributes"].split("|") == list(entry.attributes)
    assert f"small: {entry.by_severity['small'].explanation}" in row["subclasses"].split("|")


def test_changes(kb, overlay):
    mine = load_knowledge(
        overlay("""
entries:
  pneumonia: {explanation: Mine., add_aliases: [chest cold]}
  smoke_lung: {name: smoke, explanation: A hazy veil., attributes: [density:hazy]}
""")
    )
    found = changes(to_json(kb), to_json(mine))
    assert (found.old_version, found.new_version) == (kb.version, mine.version)
    assert (found.added, found.removed) == (("smoke_lung",), ())
    assert found.changed == {"pneumonia": ("aliases", "explanation")}
    assert changes(to_json(mine), to_json(kb)).removed == ("smoke_lung",)
    assert changes(to_json(kb), to_json(kb)).changed == {}


def test_what_is_no_dictionary_is_refused():
    with pytest.raises(KeyError):
        changes({}, {})
