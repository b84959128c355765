import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from gpt_ie import Report
from iki_knowledge import Finding
from medfilip_app.check import Check, check_report
from medfilip_app.loaded import Loaded
from medfilip_app.record import CheckRecord, check_record, finding_words, to_json


@pytest.fixture
def found(loaded: Loaded, foresee: None) -> Check:
    text = "Small left pleural effusion. Possible nodule. No pneumothorax."
    return check_report(loaded, np.full((32, 32), 128, np.uint8), Report("r1", {"text": text}))


def test_the_fields_are_those_of_the_readme(loaded: Loaded, found: Check):
    told = json.loads(to_json(check_record(loaded, "a.png", found)))
    assert set(told) == {
        "report_id", "schema", "image", "engine", "knowledge", "model", "score", "statements",
        "omissions",
    }  # fmt: skip
    assert told["schema"] == 1
    assert told["knowledge"] == loaded.kb.version
    assert told["score"] == found.score == 3.0
    assert told["model"] == {
        "run": "tiny",
        "trained_on": "64 phantoms, 2 epochs",
        "phantom": True,
    }
    first = told["statements"][0]
    assert set(first) == {"words", "verdict", "probability", "slots", "finding"}
    assert first["slots"][1] == {
        "slot": "side",
        "stated": "left",
        "image": "right",
        "evidence": -3.0,
        "verdict": "contradicted",
    }
    assert first["finding"]["evidence"]["text"] == "Small left pleural effusion"
    assert told["omissions"] == [
        {
            "words": "cardiomegaly",
            "category": "cardiomegaly",
            "probability": 0.875,
            "evidence": 2.5,
            "side": "left",
        }
    ]


def test_a_line_reads_back_as_it_was(loaded: Loaded, found: Check):
    record = check_record(loaded, "a.png", found)
    assert CheckRecord.model_validate_json(to_json(record)) == record
    assert "\n" not in to_json(record)


def test_no_score_is_null_and_no_other_number_may_be_none(loaded: Loaded, found: Check):
    nothing = check_record(loaded, "a.png", replace(found, score=-math.inf))
    assert json.loads(to_json(nothing))["score"] is None
    broken = replace(found.omissions[0], evidence=math.nan)
    with pytest.raises(ValueError, match="not JSON compliant"):
        to_json(check_record(loaded, "a.png", replace(found, omissions=(broken,))))


def test_where_omissions_cannot_be_told_they_are_not_known(loaded: Loaded, found: Check):
    assert loaded.calibration is not None
    older = loaded.calibration.model_copy(update={"statements": None})
    for calibration in (older, None):
        without = replace(loaded, calibration=calibration)
        assert check_record(without, "a.png", found).omissions is None
    nothing = check_record(loaded, "a.png", replace(found, omissions=()))
    assert nothing.omissions == ()


def test_a_name_of_any_bytes_can_be_written(loaded: Loaded, found: Check):
    record = check_record(loaded, Path("a\udce9.png"), replace(found, report_id="\udce9"))
    to_json(record).encode("utf-8")
    assert (record.image, record.report_id) == ("a\ufffd.png", "\ufffd")
    odd = check_record(replace(loaded, name="\udce9"), "épanchement.png", found)
    assert odd.model.run == "\ufffd"
    # As a person reads it, not as escapes.
    assert '"épanchement.png"' in to_json(odd)


@pytest.mark.parametrize(
    ("finding", "words"),
    [
        (Finding(category="mass"), "lung mass"),
        (Finding(category="mass", presence="absent"), "no lung mass"),
        (Finding(category="nodule", presence="uncertain"), "possible lung nodule"),
        (
            Finding(category="pleural_effusion", severity="small", side="left", region="base"),
            "small left basilar pleural effusion",
        ),
    ],
)
def test_findings_in_words(loaded: Loaded, finding: Finding, words: str):
    assert finding_words(finding, loaded.kb) == words
