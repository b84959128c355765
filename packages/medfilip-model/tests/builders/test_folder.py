import shutil

import numpy as np
import pytest
from iki_knowledge import Finding
from medfilip_model.builders import BuildOptions, build_folder
from medfilip_model.data.folder import load_folder
from medfilip_model.data.shards import load_prepared
from medfilip_model.errors import DataError

OPTIONS = BuildOptions(size=32, encoding="png", workers=1)


def test_a_prepared_folder_is_the_folder(folder, kb, tmp_path):
    built = build_folder(folder, tmp_path, kb, options=OPTIONS)
    direct, stored = load_folder(folder, kb, size=32), load_prepared(tmp_path, kb, size=32)
    assert built.images == 96
    assert {s.id: s.findings for s in stored.samples} == {s.id: s.findings for s in direct.samples}
    rows = {sample.id: n for n, sample in enumerate(stored.samples)}
    order = np.array([rows[sample.id] for sample in direct.samples])
    assert (stored.pixels[order] == direct.pixels[np.arange(96)]).all()
    for split in ("train", "valid"):
        rows = [[images.samples[n].id for n in images.rows(split)] for images in (direct, stored)]
        assert rows[0] == rows[1]


def test_findings_of_a_file_replace_the_labels(folder, kb, tmp_path):
    found = {"im-000": (Finding(category="hernia"),), "stranger": ()}
    built = build_folder(folder, tmp_path, kb, findings=found, options=OPTIONS)
    samples = {s.id: s for s in load_prepared(tmp_path, kb, size=32).samples}
    assert samples["im-000"].findings == found["im-000"]
    assert samples["im-001"].findings is None
    assert built.counts == {"hernia": {"train": 1, "valid": 0}}
    assert built.unmatched["reports without images"] == ("stranger",)
    assert len(built.unmatched["images without report"]) == 95
    with pytest.raises(DataError, match=r"the file has 'x', the images are called 'im-000'"):
        build_folder(folder, tmp_path, kb, findings={"x": ()}, options=OPTIONS)


def test_a_patient_in_two_splits_is_counted(folder, kb, tmp_path):
    own = shutil.copytree(folder, tmp_path / "own")
    lines = (own / "manifest.csv").read_text().replace(",p95,", ",p0,").replace(",p94,", ",p1,")
    (own / "manifest.csv").write_text(lines)
    with pytest.raises(DataError, match=r"patient 'p0' has images in 'train' and 'valid' \(2 such"):
        build_folder(own, tmp_path / "set", kb, options=OPTIONS)
