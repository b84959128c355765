from pathlib import Path

import pytest
import torch
from iki_knowledge import Finding, KnowledgeBase
from medfilip_model.config import TrainConfig
from medfilip_model.errors import DataError
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
