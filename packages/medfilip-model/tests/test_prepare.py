from pathlib import Path

import numpy as np
import pytest
import torch
from iki_knowledge import Finding, KnowledgeBase
from medfilip_model.builders import BuildOptions, build_folder
from medfilip_model.config import FusionConfig, TrainConfig
from medfilip_model.data.loader import EpochLoader
from medfilip_model.errors import DataError
from medfilip_model.model import MedFILIP
from medfilip_model.prepare import prepare
from medfilip_model.progress import Silent
from ssm import SsmError


class Notes(Silent):
    """Keeps what was said."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def note(self, text: str) -> None:
        self.lines.append(text)


def test_texts_targets_and_prompts_fit_together(tiny_config: TrainConfig, kb: KnowledgeBase):
    notes = Notes()
    data = prepare(tiny_config, kb, notes)
    assert (len(data.train), len(data.valid)) == (64, 32)
    assert list(data.prompts) == [c for c in kb if c in ("mass", "pleural_effusion")]
    assert len(data.targets.tokens) == len(data.targets.bank) == len(data.texts.texts) == 3
    assert data.targets.bank.texts == data.texts.texts
    assert data.encoder == "lexical"
    assert notes.lines == [
        "64 training images, 32 held out; 3 texts of 2 categories; targets by lexical (as asked)"
    ]


def test_the_group_mask_knows_categories(tiny_config: TrainConfig, kb: KnowledgeBase):
    assert prepare(tiny_config, kb, Silent()).targets.group is None
    data = prepare(tiny_config.replace(targets__group=True), kb, Silent())
    assert data.targets.group is not None
    assert torch.unique(data.targets.group).tolist() == [0, 1, 2]


def test_a_findings_file_teaches_and_the_manifest_judges(
    tiny_config: TrainConfig, kb: KnowledgeBase, write_findings
):
    found = {f"im-{n:03}": [{"category": "nodule", "side": "left"}] for n in range(40)}
    path = write_findings({**found, "im-039": [], "elsewhere": []})
    notes = Notes()
    data = prepare(tiny_config.replace(data__findings=path), kb, notes)
    assert list(data.prompts) == ["nodule"]
    assert len(data.train) == 40
    assert data.images.samples[data.valid[0]].findings != (Finding(category="nodule"),)
    assert notes.lines[:2] == [
        "24 images have no report in the findings file and are not trained on (first: 'im-040')",
        "1 reports of the findings file have no image (first: 'elsewhere')",
    ]


def test_a_findings_file_alone_is_enough(
    tiny_config: TrainConfig, kb: KnowledgeBase, write_findings, folder: Path, tmp_path: Path
):
    rows = [f"im-{n:03}.png,{'train' if n < 64 else 'valid'}\n" for n in range(96)]
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "images").symlink_to(folder / "images")
    (tmp_path / "set" / "manifest.csv").write_text("file,split\n" + "".join(rows))
    path = write_findings(
        {f"im-{n:03}": [{"category": "mass"}] if n % 3 else [] for n in range(96)}
    )
    changed = tiny_config.replace(data__folder=tmp_path / "set", data__findings=path)
    data = prepare(changed, kb, Silent())
    assert data.images.samples[data.valid[0]].findings == (Finding(category="mass"),)
    with pytest.raises(DataError, match="has no column 'finding_labels'"):
        prepare(changed.replace(data__findings=None), kb, Silent())


def test_doubtful_images_are_left_out_with_a_word(
    tiny_config: TrainConfig, kb: KnowledgeBase, write_findings
):
    doubt = [{"category": "mass", "presence": "uncertain"}]
    found = {f"im-{n:03}": doubt if n < 8 else [{"category": "mass"}] for n in range(64)}
    notes = Notes()
    data = prepare(tiny_config.replace(data__findings=write_findings(found)), kb, notes)
    assert len(data.train) == 56
    assert "8 training images have no certain finding and are not trained on" in notes.lines


def test_fewer_images_than_a_batch(tiny_config: TrainConfig, kb: KnowledgeBase):
    with pytest.raises(DataError, match="64 training images are fewer than one batch of 65"):
        prepare(tiny_config.replace(batch=65), kb, Silent())


def test_an_unknown_encoder(tiny_config: TrainConfig, kb: KnowledgeBase):
    with pytest.raises(SsmError, match="unknown encoder 'lexicla'"):
        prepare(tiny_config.replace(targets__encoder="lexicla"), kb, Silent())


@pytest.fixture
def prepared(tmp_path: Path, folder: Path, kb: KnowledgeBase) -> Path:
    out = tmp_path / "prepared"
    build_folder(folder, out, kb, options=BuildOptions(size=40, encoding="png", workers=1))
    return out


def test_a_prepared_set_teaches_what_its_folder_does(
    tiny_config: TrainConfig, kb: KnowledgeBase, prepared: Path
):
    plain = prepare(tiny_config, kb, Silent())
    data = prepare(tiny_config.replace(data__folder=prepared), kb, Silent())
    assert not isinstance(data.images.pixels, np.ndarray)
    assert data.texts == plain.texts
    assert (data.train, data.valid, data.prompts) == (plain.train, plain.valid, plain.prompts)
    assert [(s.id, s.split, s.findings) for s in data.images.samples] == [
        (s.id, s.split, s.findings) for s in plain.images.samples
    ]
    np.testing.assert_array_equal(data.images.pixels[[3, 70]], plain.images.pixels[[3, 70]])


def test_a_findings_file_replaces_those_of_a_prepared_set(
    tiny_config: TrainConfig, kb: KnowledgeBase, prepared: Path, write_findings
):
    changed = tiny_config.replace(data__folder=prepared)
    path = write_findings({f"im-{n:03}": [{"category": "nodule"}] for n in range(64)})
    data = prepare(changed.replace(data__findings=path), kb, Silent())
    assert list(data.prompts) == ["nodule"]
    stranger = write_findings({"s1": []}, "other.jsonl")
    with pytest.raises(DataError, match=r"the file has 's1', the images are called 'im-000'"):
        prepare(changed.replace(data__findings=stranger), kb, Silent())


def test_a_set_whose_preparation_was_cut_off(
    tiny_config: TrainConfig, kb: KnowledgeBase, prepared: Path
):
    (prepared / "dataset.json").unlink()
    with pytest.raises(DataError, match=r"shards but no dataset\.json: .* run it again"):
        prepare(tiny_config.replace(data__folder=prepared), kb, Silent())


def test_identity_targets_need_no_encoder(tiny_config: TrainConfig, kb: KnowledgeBase):
    notes = Notes()
    changed = tiny_config.replace(targets__kind="identity", targets__encoder="hf:absent/model")
    data = prepare(changed, kb, notes)
    assert data.targets.bank is None
    assert data.encoder == "none"
    assert notes.lines[-1].endswith("3 texts of 2 categories; targets the identity")
    batch = next(EpochLoader(data.images, data.texts, data.train, batch=4, seed=0).epoch(0))
    targets = data.targets.of(batch)
    assert set(targets.unique().tolist()) <= {0.0, 1.0}
    assert torch.equal(targets[batch.owner, torch.arange(len(batch.text))], torch.ones(4))


def test_reports_as_texts_are_scored_by_findings(
    tiny_config: TrainConfig, kb: KnowledgeBase, folder: Path, tmp_path: Path
):
    lines = ["file,finding_labels,split,report"]
    for n in range(96):
        label = ("Effusion", "Mass", "No Finding")[n % 3]
        report = "" if n < 4 else f"Case {n % 7}."
        lines.append(f"im-{n:03}.png,{label},{'train' if n < 64 else 'valid'},{report}")
    target = tmp_path / "set"
    target.mkdir()
    (target / "images").symlink_to(folder / "images")
    (target / "manifest.csv").write_text("\n".join(lines) + "\n")
    notes = Notes()
    changed = tiny_config.replace(data__folder=target, data__text="report", targets__group=True)
    data = prepare(changed, kb, notes)
    assert set(data.texts.texts) == {f"Case {n}." for n in range(7)}
    assert set(data.prompts) == {"mass", "pleural_effusion"}
    assert len(data.train) == 60
    assert notes.lines == [
        "4 training images have no report and are not trained on",
        "60 training images, 32 held out; 7 reports of 2 categories; targets by lexical (as asked)",
    ]
    # Reports are of no one category: a mask within categories masks nothing.
    assert data.targets.group is not None
    assert len(data.targets.group.unique()) == 1


def test_reports_without_any_label_are_scored_on_common_classes(
    tiny_config: TrainConfig, kb: KnowledgeBase, folder: Path, tmp_path: Path
):
    target = tmp_path / "set"
    target.mkdir()
    (target / "images").symlink_to(folder / "images")
    rows = [f"im-{n:03}.png,{'train' if n < 64 else 'valid'},Case {n}." for n in range(96)]
    (target / "manifest.csv").write_text("\n".join(["file,split,report", *rows]) + "\n")
    data = prepare(tiny_config.replace(data__folder=target, data__text="report"), kb, Silent())
    assert set(data.prompts) == set(kb.classes("chestxray14").values())
    with pytest.raises(DataError, match="has no column 'finding_labels'"):
        prepare(tiny_config.replace(data__folder=target), kb, Silent())


def test_all_variants_of_the_texts_are_in_the_bank(tiny_config: TrainConfig, kb: KnowledgeBase):
    data = prepare(tiny_config.replace(data__augment_text=True), kb, Silent())
    assert len(data.texts.texts) > 6
    assert data.targets.bank is not None
    assert data.targets.bank.texts == data.texts.texts
    assert len(data.targets.tokens) == len(data.texts.texts)


def test_a_fusion_head_is_asked_for_the_seen_classes_at_the_places_that_occur(
    tiny_config: TrainConfig, kb: KnowledgeBase, write_findings
):
    found = [{"category": "mass", "side": "left", "region": "base"}]
    path = write_findings({f"im-{n:03}": found if n % 2 else [] for n in range(64)})
    head = FusionConfig(width=16, heads=2, layers=1).model_dump()
    changed = tiny_config.replace(data__findings=path, model__fusion=head)
    data = prepare(changed, kb, Silent())
    assert data.entities is not None
    assert data.entities.categories == tuple(data.prompts) == ("mass",)
    assert data.entities.places == ("left", "base", "left base")
    assert data.model.fusion is not None
    assert data.model.fusion.places == data.entities.places
    model = MedFILIP(data.model)
    assert data.targets.entities is not None
    assert torch.equal(data.targets.entities, model.tokenizer([kb.explain("mass")]))
    fixed = prepare(changed.replace(model__fusion__places=("right",)), kb, Silent())
    assert fixed.entities is not None
    assert fixed.entities.places == ("right",)
    bare = prepare(changed.replace(model__fusion__location=False), kb, Silent())
    assert bare.model.fusion is not None
    assert bare.model.fusion.places == ()
    assert prepare(tiny_config, kb, Silent()).entities is None
