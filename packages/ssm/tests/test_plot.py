import importlib
import sys

import numpy as np
import pytest
import torch
from ssm import Calibration, LabelBank, SsmError, cosine
from ssm.plot import save_heatmap


def bank_of(*texts, dim=4, seed=0):
    vectors = torch.randn(len(texts), dim, generator=torch.Generator().manual_seed(seed))
    unit = torch.nn.functional.normalize(vectors, dim=1)
    return LabelBank(texts, unit, "random", "f" * 64)


@pytest.fixture
def drawn(monkeypatch):
    """What is drawn: the map's values and options, and every text with its place."""
    axes = importlib.import_module("matplotlib.axes")
    seen = {"texts": {}}
    plain, write = axes.Axes.imshow, axes.Axes.text

    def imshow(self, values, **options):
        seen["values"], seen["options"] = np.asarray(values), options
        return plain(self, values, **options)

    def text(self, x, y, string, **options):
        seen["texts"][string] = y
        return write(self, x, y, string, **options)

    monkeypatch.setattr(axes.Axes, "imshow", imshow)
    monkeypatch.setattr(axes.Axes, "text", text)
    return seen


@pytest.mark.parametrize("count", [2, 12, 70])
@pytest.mark.parametrize("grouped", [False, True])
@pytest.mark.parametrize("ending", ["png", "svg"])
def test_writes_an_image(tmp_path, count, grouped, ending):
    path = tmp_path / f"map.{ending}"
    # Dollars would start a formula, and the last sign is in no font at hand.
    bank = bank_of(*(f"text {i} costs $5_{{$ 犬" for i in range(count)))
    groups = [f"$g_{{ 犬 {i % 9}" for i in range(count)] if grouped else None
    save_heatmap(bank, path, groups=groups, title="$\\x$")
    assert path.stat().st_size > 5000
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_like_texts_stand_side_by_side(tmp_path, drawn):
    """Two clusters given in turn: the picture must show two blocks, and the names must follow."""
    base = torch.tensor([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]).repeat(4, 1)
    noise = 0.1 * torch.randn(8, 3, generator=torch.Generator().manual_seed(0))
    unit = torch.nn.functional.normalize(base + noise, dim=1)
    names = tuple(f"{'even' if i % 2 == 0 else 'odd'} {i}" for i in range(8))
    save_heatmap(LabelBank(names, unit, "random", "f"), tmp_path / "map.png")
    values = drawn["values"]
    assert values[:4, :4].min() > 0.8
    assert values[4:, 4:].min() > 0.8
    assert values[:4, 4:].max() < 0.5
    order = sorted(names, key=drawn["texts"].__getitem__)
    places = [names.index(name) for name in order]
    np.testing.assert_allclose(values, cosine(unit[places], unit[places]), atol=1e-6)
    assert "8 texts, random" in drawn["texts"]


def test_groups_are_kept_together_and_named(tmp_path, drawn):
    names = tuple(f"text {i}" for i in range(20))
    bank = bank_of(*names)
    groups = [f"group {'abc'[i % 3]}" for i in range(20)]
    save_heatmap(bank, tmp_path / "map.pdf", groups=groups, group_name="kind")
    texts = drawn["texts"]
    order = sorted(range(20), key=lambda row: texts[names[row]])
    in_order = [groups[row] for row in order]
    for name in set(groups):
        places = [place for place, group in enumerate(in_order) if group == name]
        assert places == list(range(places[0], places[-1] + 1))
        assert texts[name] == pytest.approx((places[0] + places[-1]) / 2)
    unit = bank.embeddings[order]
    np.testing.assert_allclose(drawn["values"], cosine(unit, unit), atol=1e-6)
    assert "20 texts by kind, random" in texts


def test_calibration_is_the_bank_s_own_and_in_the_title(tmp_path, drawn):
    bank = bank_of(*map(str, range(12)), dim=6).calibrate("center")
    save_heatmap(bank, tmp_path / "map.png")
    assert "12 texts, random, calibration center" in drawn["texts"]
    values = drawn["values"]
    assert values.min() == 0
    assert values.max() == pytest.approx(1)
    expected = bank.targets(torch.arange(12), torch.arange(12))
    assert values.sum() == pytest.approx(float(expected.sum()), rel=1e-5)
    save_heatmap(bank, tmp_path / "map.png", calibration=Calibration())
    assert "12 texts, random" in drawn["texts"]
    assert drawn["values"].min() < 0


def test_clusters_are_named_where_texts_do_not_fit(tmp_path, drawn):
    bank = bank_of(*(f"text {i} {'x' * 60}" for i in range(70)))
    save_heatmap(bank, tmp_path / "map.png")
    named = [text for text in drawn["texts"] if text.startswith("text ")]
    assert len(named) == 25
    # The end of a long name is cut, its cluster's size is not.
    assert all("… (" in text for text in named)
    assert sum(int(text.rsplit("(")[1][:-1]) for text in named) == 70


def test_more_groups_than_names_fit(tmp_path, drawn):
    groups = [f"group {i}" if i < 80 else "group 0" for i in range(90)]
    save_heatmap(bank_of(*map(str, range(90))), tmp_path / "map.png", groups=groups)
    assert "52 of 80 groups are named, the largest first" in drawn["texts"]
    assert "group 0 (11)" in drawn["texts"]


def test_the_diagonal_and_twins_do_not_eat_the_scale(tmp_path, drawn):
    unit = bank_of(*map(str, range(50)), dim=50).embeddings
    unit = torch.cat([unit, unit[:1]])
    bank = LabelBank(tuple(map(str, range(51))), unit, "random", "f")
    save_heatmap(bank, tmp_path / "map.png")
    assert drawn["options"]["vmax"] < 0.6


def test_texts_all_alike(tmp_path):
    unit = torch.nn.functional.normalize(torch.ones(5, 3), dim=1)
    save_heatmap(LabelBank(tuple("abcde"), unit, "x", "x"), tmp_path / "map.png")
    assert (tmp_path / "map.png").exists()


@pytest.mark.parametrize("count", [0, 1, 1001])
def test_too_few_and_too_many(tmp_path, count):
    texts = tuple(map(str, range(count)))
    with pytest.raises(SsmError, match=f"shows 2 to 1000 texts, the bank has {count}"):
        save_heatmap(LabelBank(texts, torch.ones(count, 2), "x", "x"), tmp_path / "map.png")


def test_groups_that_do_not_fit(tmp_path):
    with pytest.raises(SsmError, match="a group for each of 2 texts, got 1"):
        save_heatmap(bank_of("a", "b"), tmp_path / "map.png", groups=["x"])


@pytest.mark.parametrize("name", ["map.bmp2", "map.jpg", "map"])
def test_an_unknown_format(tmp_path, name):
    with pytest.raises(SsmError, match=r"cannot write .*its ending must be \.png, \.svg, \.pdf"):
        save_heatmap(bank_of("a", "b"), tmp_path / name)


def test_a_place_that_cannot_be_written(tmp_path):
    with pytest.raises(SsmError, match=r"cannot write .*No such file"):
        save_heatmap(bank_of("a", "b"), tmp_path / "nowhere" / "map.png")
    (tmp_path / "map.png").mkdir()
    with pytest.raises(SsmError, match=r"cannot write .*Is a directory"):
        save_heatmap(bank_of("a", "b"), tmp_path / "map.png")
    assert [path.name for path in tmp_path.iterdir()] == ["map.png"]


def test_a_full_disk_leaves_the_old_picture(tmp_path, monkeypatch):
    figure = importlib.import_module("matplotlib.figure")
    (tmp_path / "map.png").write_text("old")

    def full(self, path, **options):
        path.write_text("half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(figure.Figure, "savefig", full)
    with pytest.raises(SsmError, match="No space left on device"):
        save_heatmap(bank_of("a", "b"), tmp_path / "map.png")
    assert [path.read_text() for path in tmp_path.iterdir()] == ["old"]


def test_missing_matplotlib_names_the_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(SsmError, match=r"needs 'matplotlib.*medfilip-ssm\[plot\]"):
        save_heatmap(bank_of("a", "b"), tmp_path / "map.png")
