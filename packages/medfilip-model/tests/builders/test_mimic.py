import json
from collections import Counter

import pytest
from iki_knowledge import Finding
from medfilip_model.builders import BuildOptions, MimicChoice, build_mimic
from medfilip_model.builders.mimic import read_mimic
from medfilip_model.data.findings import read_findings
from medfilip_model.data.shards import load_prepared
from medfilip_model.errors import DataError
from medfilip_model.progress import Silent

OPTIONS = BuildOptions(size=32, workers=1)


class Notes(Silent):
    def __init__(self):
        self.lines = []

    def note(self, text):
        self.lines.append(text)


@pytest.fixture
def found(mimic_tree, kb):
    return read_findings(mimic_tree.findings, kb)


def build(tree, found, out, kb, **more):
    return build_mimic(tree.root, found, out, kb, options=OPTIONS, **more)


def test_the_full_set_is_every_frontal_image_in_its_official_split(mimic_tree, found, kb, tmp_path):
    built = build(mimic_tree, found, tmp_path / "set", kb, subset="full")
    assert built.splits == {"train": 16, "valid": 4, "test": 4}
    images = load_prepared(tmp_path / "set", kb, size=32)
    assert {sample.view for sample in images.samples} == {"PA", "AP"}
    assert all(sample.report is None for sample in images.samples)
    for sample in images.samples:
        assert sample.findings == found[sample.study_id]
        assert sample.patient_id.startswith("p1000")
    truth = Counter(f.category for s in images.samples for f in set(s.present))
    assert {name: sum(own.values()) for name, own in built.counts.items()} == {
        name: sum(name in {f.category for f in s.present} for s in images.samples) for name in truth
    }


def test_the_lateral_views_come_when_asked_for(mimic_tree, found, kb, tmp_path):
    choice = MimicChoice(views=())
    built = build(mimic_tree, found, tmp_path / "set", kb, subset="full", choice=choice)
    assert built.images == 24 + 8
    with pytest.raises(DataError, match=r"has no image of view LL; it has AP, LATERAL, PA"):
        build(
            mimic_tree, found, tmp_path / "none", kb, subset="full",
            choice=MimicChoice(views=("LL",)),
        )  # fmt: skip


@pytest.mark.parametrize(("strip", "form"), [("", "like 's50414267'"), ("s", "like '50414267'")])
def test_both_forms_of_a_study_id_are_read(mimic_tree, found, kb, strip, form):
    listener = Notes()
    renamed = {name.removeprefix(strip): own for name, own in found.items()}
    tree = read_mimic(mimic_tree.root, renamed, kb, choice=MimicChoice(), listener=listener)
    assert all(item.sample.findings is not None for item in tree.items)
    assert listener.lines == [f"report ids of the findings file are {form}"]


def test_a_study_named_in_both_forms_is_an_error(mimic_tree, found, kb, tmp_path):
    with pytest.raises(DataError, match="'s50414267' and '50414267', which are one report"):
        build(mimic_tree, {**found, "50414267": ()}, tmp_path / "set", kb)


def test_what_has_no_partner_is_named(own_mimic_tree, found, kb, tmp_path):
    tree, (first, *_) = own_mimic_tree, found
    del found[first]
    found["s99999999"] = ()
    lost = sorted(tree.root.glob("files/*/*/s50414268/*.jpg"))[0]
    lost.unlink()
    built = build(tree, found, tmp_path / "set", kb, subset="full")
    assert built.unmatched == {
        "studies without report": (first,),
        "reports without studies": ("s99999999",),
        "images without file": (lost.stem,),
    }
    assert built.images == 22
    written = json.loads((tmp_path / "set" / "dataset.json").read_text())
    assert written["unmatched"]["reports without studies"] == {"count": 1, "first": ["s99999999"]}


def test_ids_that_all_miss_are_an_error(mimic_tree, kb, tmp_path):
    with pytest.raises(DataError, match=r"the file has 'x1', the studies are called 's50414267'"):
        build(mimic_tree, {"x1": ()}, tmp_path / "set", kb)


def test_labels_stand_in_for_findings(mimic_tree, found, kb, tmp_path):
    built = build(mimic_tree, "chexpert", tmp_path / "set", kb, subset="full")
    images = load_prepared(tmp_path / "set", kb, size=32)
    classes = set(kb.classes("chexpert14").values())
    for sample in images.samples:
        told = {f.category for f in found[sample.study_id]} & classes
        assert {f.category for f in sample.present} == told
    assert set(built.counts) <= classes


def test_reports_are_kept_only_when_asked_for(mimic_tree, found, kb, tmp_path):
    build(mimic_tree, found, tmp_path / "set", kb, subset="full", reports=mimic_tree.reports)
    sample = load_prepared(tmp_path / "set", kb, size=32).samples[0]
    assert sample.report.startswith("FINDINGS: ")
    with pytest.raises(DataError, match=r"has no report of the 24 studies"):
        build(mimic_tree, found, tmp_path / "none", kb, subset="full", reports=tmp_path)


def test_a_patient_in_two_splits_is_an_error(own_mimic_tree, found, kb, tmp_path):
    path = own_mimic_tree.root / "mimic-cxr-2.0.0-split.csv"
    rows = ["dicom_id,study_id,subject_id,split"]
    tree = read_mimic(own_mimic_tree.root, found, kb, choice=MimicChoice(), listener=Silent())
    for n, item in enumerate(tree.items):
        own = item.sample
        rows.append(f"{own.id},{own.study_id},{own.patient_id},{('train', 'test')[n % 2]}")
    path.write_text("\n".join(rows))
    with pytest.raises(DataError, match=r"patient 'p10000032' has images in 'test' and 'train' \("):
        build(own_mimic_tree, found, tmp_path / "set", kb, subset="full")


def test_the_papers_sets(mimic_tree, found, kb, tmp_path):
    choice = MimicChoice(train_samples=5, test_samples=2)
    for subset, labels, splits in (
        ("train", "multi", {"train", "valid"}),
        ("16", "single", {"valid", "test"}),
        ("multi", "multi", {"valid", "test"}),
    ):
        out = tmp_path / subset
        built = build(mimic_tree, found, out, kb, subset=subset, choice=choice)
        assert built.labels == labels
        assert set(built.splits) <= splits
        images = load_prepared(out, kb, size=32)
        assert images.classes == built.classes
        assert all(sample.present for sample in images.samples)
        assert max(built.splits.values()) <= 5
    assert build(mimic_tree, found, tmp_path / "train", kb, choice=choice).reused == 2


@pytest.mark.parametrize(
    ("table", "content", "message"),
    [
        ("split", None, r"has no mimic-cxr-2\.0\.0-split\.csv or \.csv\.gz"),
        ("split", "dicom_id,study_id\na,b\n", r"has no column 'split'; it has 'dicom_id'"),
        ("split", "dicom_id,split\n0,trian\n", r"split 'trian' in the split table"),
        ("metadata", "", r"has no column 'dicom_id'; it has no header"),
        ("split", "dicom_id,split\nx,train\n", r"have no image in common"),
        ("split", "\xff", r"cannot read '.*split\.csv': 'utf-8' codec"),
    ],
)
def test_a_bad_table_is_named(own_mimic_tree, found, kb, tmp_path, table, content, message):
    own_mimic_tree.root.joinpath(f"mimic-cxr-2.0.0-{table}.csv.gz").unlink()
    if content is not None:
        path = own_mimic_tree.root / f"mimic-cxr-2.0.0-{table}.csv"
        path.write_bytes(content.encode("latin-1"))
    with pytest.raises(DataError, match=message):
        build(own_mimic_tree, found, tmp_path / "set", kb)


def test_a_table_cut_short_is_named(own_mimic_tree, found, kb, tmp_path):
    path = own_mimic_tree.root / "mimic-cxr-2.0.0-metadata.csv.gz"
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(DataError, match=r"cannot read '.*metadata\.csv\.gz'"):
        build(own_mimic_tree, found, tmp_path / "set", kb)


def test_labels_of_another_kind_are_named(own_mimic_tree, kb, tmp_path):
    names = ",".join(["No Finding", *kb.classes("chexpert14")])
    path = own_mimic_tree.root / "mimic-cxr-2.0.0-negbio.csv"
    path.write_text(f"study_id,{names}\n50414267,yes{',' * 13}\n")
    with pytest.raises(DataError, match=r"study 's50414267': No Finding is 'yes'"):
        build(own_mimic_tree, "negbio", tmp_path / "set", kb)


def test_a_label_is_present_absent_doubtful_or_not_mentioned(own_mimic_tree, kb):
    from medfilip_model.builders.mimic_tables import read_labels

    names = list(kb.classes("chexpert14"))
    values = {"Edema": "1.0", "Fracture": "0.0", "Pneumonia": "-1"}
    row = ",".join(values.get(name, "") for name in names)
    path = own_mimic_tree.root / "mimic-cxr-2.0.0-negbio.csv"
    path.write_text(
        f"study_id,No Finding,{','.join(names)}\n1,,{row}\n2,1.0{',' * 13}\n3{',' * 14}\n"
    )
    assert read_labels(own_mimic_tree.root, "negbio", kb) == {
        "s1": (
            Finding(category="pulmonary_edema"),
            Finding(category="pneumonia", presence="uncertain"),
            Finding(category="fracture", presence="absent"),
        ),
        "s2": (),
    }
