import importlib
import sys

import numpy as np
import pytest
import torch
from ssm import LabelBank, SsmError
from ssm.plot import save_heatmap


def bank_of(*texts, dim=4, seed=0):
    vectors = torch.randn(len(texts), dim, generator=torch.Generator().manual_seed(seed))
    unit = torch.nn.functional.normalize(vectors, dim=1)
    return LabelBank(texts, unit, "random", "f" * 64)


@pytest.mark.parametrize("count", [2, 12, 70])
@pytest.mark.parametrize("ending", ["png", "svg"])
def test_writes_an_image(tmp_path, count, ending):
    path = tmp_path / f"map.{ending}"
    # Dollars would start a formula, and the last sign is in no font at hand.
    save_heatmap(bank_of(*(f"text {i} costs $5_{{$ 犬" for i in range(count))), path, title="$\\x$")
    assert path.stat().st_size > 5000
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_like_texts_stand_side_by_side(tmp_path, monkeypatch):
    """Two clusters given in turn: the picture must show two blocks, and the names must follow."""
    base = torch.tensor([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]).repeat(4, 1)
    noise = 0.1 * torch.randn(8, 3, generator=torch.Generator().manual_seed(0))
    unit = torch.nn.functional.normalize(base + noise, dim=1)
    names = tuple(f"{'even' if i % 2 == 0 else 'odd'} {i}" for i in range(8))
    seen = {}
    axes = importlib.import_module("matplotlib.axes")
    plain = axes.Axes.imshow
    ticks = axes.Axes.set_yticklabels

    def spy(self, values, **options):
        seen["values"] = np.asarray(values)
        return plain(self, values, **options)

    def spy_ticks(self, labels, **options):
        seen["labels"] = labels
        return ticks(self, labels, **options)

    monkeypatch.setattr(axes.Axes, "imshow", spy)
    monkeypatch.setattr(axes.Axes, "set_yticklabels", spy_ticks)
    save_heatmap(LabelBank(names, unit, "random", "f"), tmp_path / "map.png")
    values = seen["values"]
    assert values[:4, :4].min() > 0.8
    assert values[4:, 4:].min() > 0.8
    assert values[:4, 4:].max() < 0.5
    kinds = [label.split()[0] for label in seen["labels"]]
    assert kinds in (["even"] * 4 + ["odd"] * 4, ["odd"] * 4 + ["even"] * 4)


@pytest.mark.parametrize("count", [0, 1, 1001])
def test_too_few_and_too_many(tmp_path, count):
    texts = tuple(map(str, range(count)))
    with pytest.raises(SsmError, match=f"shows 2 to 1000 texts, the bank has {count}"):
        save_heatmap(LabelBank(texts, torch.ones(count, 2), "x", "x"), tmp_path / "map.png")


def test_an_unknown_format(tmp_path):
    with pytest.raises(SsmError, match=r"cannot write .*map\.bmp2.*not supported"):
        save_heatmap(bank_of("a", "b"), tmp_path / "map.bmp2")


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(SsmError, match=r"cannot write .*No such file"):
        save_heatmap(bank_of("a", "b"), tmp_path / "nowhere" / "map.png")


def test_missing_matplotlib_names_the_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(SsmError, match=r"needs 'matplotlib.*medfilip-ssm\[plot\]"):
        save_heatmap(bank_of("a", "b"), tmp_path / "map.png")
