import json

import numpy as np
import pytest
from iki_knowledge import Finding
from medfilip_model.data.findings import read_findings, with_findings
from medfilip_model.data.samples import ImageSet, Sample
from medfilip_model.errors import DataError


def images(*names: str, split="train") -> ImageSet:
    samples = tuple(Sample(name, name, split, (Finding(category="mass"),)) for name in names)
    return ImageSet("set", samples, np.zeros((len(names), 4, 4), dtype=np.uint8))


def test_a_line_as_gpt_ie_writes_it(kb, write_findings):
    path = write_findings(
        {
            "r1": [
                {
                    "category": "pleural_effusion",
                    "severity": "small",
                    "side": "right",
                    "region": "base",
                    "presence": "present",
                    "trend": None,
                    "surface": "pleural effusion",
                    "evidence": {"section": "findings", "start": 0, "end": 5, "text": "small"},
                }
            ],
            "r2": [],
        }
    )
    effusion = Finding(category="pleural_effusion", severity="small", side="right", region="base")
    assert read_findings(path, kb) == {"r1": (effusion,), "r2": ()}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", r"line 1 is no JSON"),
        ("[]", r"line 1 needs \"report_id\" and \"findings\""),
        ('{"report_id": "a"}', r"line 1 needs"),
        ('{"report_id": "a", "schema": 2, "findings": []}', r"schema 2; this version reads 1"),
        ('{"report_id": "a", "findings": {}}', r"findings is {}, not a list"),
        ('{"report_id": "a", "findings": [3]}', r"a finding is 3, not an object"),
        (
            '{"report_id": "a", "findings": [{"category": "plural_effusion"}]}',
            r"unknown category 'plural_effusion'; did you mean 'pleural_effusion'",
        ),
        (
            '{"report_id": "a", "findings": [{"category": "mass", "side": "up"}]}',
            r"side = 'up'",
        ),
        (
            '{"report_id": "a", "findings": [{"category": "mass", "severity": "hugish"}]}',
            r"unknown severity 'hugish'",
        ),
        ("", r"holds no report"),
    ],
)
def test_a_bad_line_is_named(kb, tmp_path, line, message):
    path = tmp_path / "bad.jsonl"
    path.write_text(line, encoding="utf-8")
    with pytest.raises(DataError, match=message):
        read_findings(path, kb)


def test_an_id_twice_is_refused(kb, tmp_path):
    path = tmp_path / "twice.jsonl"
    line = json.dumps({"report_id": "a", "findings": []})
    path.write_text(f"{line}\n\n{line}\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"line 3: report_id 'a' occurs a second time"):
        read_findings(path, kb)


def test_bytes_that_are_no_utf8_and_a_missing_file(kb, tmp_path):
    path = tmp_path / "latin.jsonl"
    path.write_bytes(b'{"report_id": "\xe9", "findings": []}\n')
    with pytest.raises(DataError, match="is not UTF-8"):
        read_findings(path, kb)
    with pytest.raises(DataError, match=r"cannot read .*No such file"):
        read_findings(tmp_path / "absent.jsonl", kb)


def test_findings_replace_those_of_the_named_splits_only():
    both = ImageSet(
        "set",
        images("a", "b").samples + images("v", split="valid").samples,
        np.zeros((3, 4, 4), dtype=np.uint8),
    )
    new = (Finding(category="nodule"),)
    joined = with_findings(both, {"a": new, "v": new, "z": ()}, ("train",))
    assert [s.findings for s in joined.images.samples] == [
        new,
        None,
        (Finding(category="mass"),),
    ]
    assert joined.without_report == ("b",)
    assert joined.without_image == ("z",)


def test_ids_that_match_no_image_are_refused_with_examples_of_both():
    with pytest.raises(DataError, match=r"the file has 'x', the images are called 'a', 'b'"):
        with_findings(images("a", "b"), {"x": ()}, ("train",))


def test_all_images_of_a_study_take_over_its_findings():
    samples = tuple(
        Sample(f"i{n}", f"p{n // 2}", "train", None, study_id=f"s{n // 2}") for n in range(5)
    )
    several = ImageSet("set", samples, np.zeros((5, 4, 4), dtype=np.uint8))
    new, own = (Finding(category="nodule"),), (Finding(category="mass"),)
    joined = with_findings(several, {"s0": new, "i3": own, "s1": new, "s9": ()}, ("train",))
    # An image's own report comes before its study's.
    assert [s.findings for s in joined.images.samples] == [new, new, new, own, None]
    assert joined.without_report == ("i4",)
    assert joined.without_image == ("s9",)
    with pytest.raises(DataError, match=r"called 'i0', 'i1' …, their studies 's0', 's1' …"):
        with_findings(several, {"x": ()}, ("train",))
