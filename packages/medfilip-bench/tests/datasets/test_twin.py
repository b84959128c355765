"""Twins hold what they promise: classes, splits, boxes and masks; nothing is drawn too early."""

import numpy as np
import pytest
from medfilip_bench.datasets.drawing import boxes_of
from medfilip_bench.datasets.grades import severity_words
from medfilip_bench.datasets.pool import FIRST_INDEX
from medfilip_bench.datasets.twin import TWINS, PhantomPool, draw_now, twin
from medfilip_bench.errors import DataError, UnknownNameError
from medfilip_model.phantom import SEEN_CATEGORIES, PhantomConfig, generate
from medfilip_model.progress import Silent

SIZE = 32


def make_pool(**changes):
    return PhantomPool(**({"n": 40, "size": SIZE, "train": 24} | changes))


@pytest.fixture(scope="module")
def pool():
    """One pool for most tests: planning takes longer than drawing images this small."""
    return make_pool()


def index(sample):
    return int(sample.id.removeprefix("phantom-"))


def test_every_twin_fits_its_contract_without_a_phantom_drawn(kb, pool, cache):
    keys = set()
    for name in TWINS:
        data = twin(name, pool, kb)
        assert (data.card.id, data.phantom, data.masks) == (name, True, None)
        assert data.card.licence == "Apache-2.0", "nothing of the data set's own terms is claimed"
        assert data.rows("test")
        assert data.rows("valid")
        assert np.nansum(data.labels[data.rows("test")], axis=0).sum() > 0
        assert set(data.card.classes.values()) == {c.category for c in data.classes}
        keys.add(data.key)
    assert len(keys) == len(TWINS)


def test_twins_of_the_multi_label_phantoms_are_encoded_once(kb, pool):
    multi = [twin(name, pool, kb) for name in ("rsna", "chestxray14", "kermany", "mimic_multi")]
    assert len({tuple(sorted(data.pixel_keys.items())) for data in multi}) == 1
    assert all(data.images is multi[0].images for data in multi)
    others = {twin(name, pool, kb).pixel_keys["test"] for name in ("mimic_16", "mimic_fg")}
    assert len(others | {multi[0].pixel_keys["test"]}) == 3


def test_splits_are_apart_and_far_above_what_training_draws(kb, pool):
    sets = [twin(name, pool, kb) for name in ("rsna", "mimic_16", "mimic_fg", "covid_qu_ex")]
    samples = [s for data in sets for s in data.images.samples]
    assert len({s.id for s in samples}) == len(samples) == len({s.patient_id for s in samples})
    assert min(index(s) for s in samples) >= min(FIRST_INDEX.values()) == 1_000_000
    assert [len(sets[0].rows(s)) for s in ("train", "valid", "test")] == [24, 20, 40]


def test_pixels_are_those_of_the_generator_in_the_order_of_the_samples(kb, pool):
    data = twin("rsna", pool, kb)
    for split in ("train", "valid", "test"):
        row = data.rows(split)[3]
        drawn = generate(PhantomConfig(size=SIZE), index(data.images.samples[row]))
        expected = (drawn.image * 255 + 0.5).astype(np.uint8)
        np.testing.assert_array_equal(data.images.pixels[row], expected)
        np.testing.assert_array_equal(data.images.pixels[np.array([row, 0])][0], expected)


class Heard(Silent):
    """Remembers what was begun, and whether it was finished."""

    def __init__(self):
        self.begun, self.total, self.done = [], 0, 0

    def start(self, what, total, unit):
        self.begun.append(what)
        self.total += total

    def advance(self, steps):
        self.done += steps


def test_a_split_is_drawn_when_it_is_read_and_once(kb):
    heard = Heard()
    pool = make_pool(listener=heard, seed=5)
    data = twin("mimic_16", pool, kb)
    assert heard.begun == []
    draw_now(data, ("valid",), pool)
    _ = data.images.pixels[data.rows("valid")[0]]
    assert heard.begun == ["phantoms, set single, valid"]
    _ = data.images.pixels[:]
    assert heard.begun == ["phantoms, set single, valid", "phantoms, set single, test"]
    assert heard.done == heard.total == len(data.images.samples)
    again = Heard()
    other = twin("mimic_16", make_pool(listener=again, seed=5), kb)
    np.testing.assert_array_equal(other.images.pixels[:], data.images.pixels[:])
    assert again.done == again.total > 0


def test_single_label_phantoms_show_one_class_or_none_all_as_often(kb, pool):
    data = twin("mimic_16", pool, kb)
    test = data.labels[data.rows("test")]
    assert set(test.sum(axis=1)) == {0, 1}
    assert set(test.sum(axis=0)) == {(test.sum(axis=1) == 0).sum()} == {1}


def test_graded_phantoms_have_one_disease_and_its_severity(kb):
    data = twin("mimic_fg", make_pool(n=200), kb)
    assert len(data.classes) == 15
    assert (data.labels.sum(axis=1) == 1).all()
    for row, sample in enumerate(data.images.samples):
        label = data.classes[int(data.labels[row].argmax())]
        (finding,) = sample.present
        assert finding.category == label.category
        assert finding.severity in severity_words(label.category, label.severity, kb)


def test_covid_is_half_of_its_set_counts_as_nothing_else_and_is_nowhere_else(kb, pool):
    for name, others in (("covid_radiography", ["Lung_Opacity"]), ("covid_qu_ex", ["Non-COVID"])):
        data = twin(name, pool, kb)
        assert [c.name for c in data.classes][1:] == others
        covid = np.array(
            ["covid19" in {f.category for f in s.present} for s in data.images.samples]
        )
        assert covid[data.rows("test")].mean() == 0.5
        np.testing.assert_array_equal(data.labels[:, 0] == 1, covid)
        assert not data.labels[covid, 1:].any()
    for name in ("rsna", "mimic_16", "mimic_fg"):
        samples = twin(name, pool, kb).images.samples
        assert "covid19" not in {f.category for s in samples for f in s.present}


def test_a_narrower_finding_counts_and_classes_that_phantoms_lack_are_named(kb, pool):
    opacity = twin("six_entities", pool, kb)
    narrower = {"lung_opacity", "consolidation", "pneumonia", "atelectasis", "pulmonary_edema"}
    shown = [bool({f.category for f in s.present} & narrower) for s in opacity.images.samples]
    np.testing.assert_array_equal(opacity.labels[:, 0], np.array(shown, dtype=float))
    assert twin("chestxray14", pool, kb).notes == (
        "Phantoms do not show Infiltration: these classes are not in the twin.",
    )
    assert "Aortic enlargement" in twin("vinbigdata", pool, kb).notes[0]


def test_kermany_tells_pneumonia_from_normal_and_judges_no_other(kb, pool):
    data = twin("kermany", pool, kb, masks=True)
    for row, sample in enumerate(data.images.samples):
        classes = {f.category for f in sample.present} & set(SEEN_CATEGORIES)
        wanted = 1 if "pneumonia" in classes else np.nan if classes else 0
        np.testing.assert_equal(data.labels[row, 0], float(wanted))
    assert {0.0, 1.0} <= set(data.labels[data.rows("test"), 0])
    lungs = np.asarray(data.masks[data.rows("test")])
    assert set(np.unique(lungs)) == {0, 255}
    share = (lungs == 255).mean(axis=(1, 2))
    assert 0.1 < share.min() < share.max() < 0.5
    assert data.mask_of == "lungs"


def test_masks_and_boxes_show_the_finding_that_was_drawn(kb, pool):
    data = twin("siim", pool, kb, masks=True)
    for row in [*data.rows("test")[:10], *np.flatnonzero(data.labels[:, 0])[:3]]:
        drawn = generate(PhantomConfig(size=SIZE), index(data.images.samples[row]))
        mine = [n for n, f in enumerate(drawn.findings) if f.category == "pneumothorax"]
        union = np.zeros((SIZE, SIZE), dtype=bool)
        for number in mine:
            union |= drawn.masks[number]
        np.testing.assert_array_equal(data.masks[int(row)] == 255, union)
        boxes = data.boxes[data.images.samples[row].id]
        assert len(boxes) == sum(len(boxes_of(drawn.masks[n])) for n in mine)
        assert all(b.category == "pneumothorax" for b in boxes)


def test_a_box_stands_for_every_class_that_the_finding_counts_as(kb, pool):
    data = twin("six_entities", pool, kb)
    place = {c.category: k for k, c in enumerate(data.classes)}
    for row in data.rows("test"):
        named = {box.category for box in data.boxes[data.images.samples[row].id]}
        assert named == {c for c, k in place.items() if data.labels[row, k] == 1}
    assert len(data.boxes) == len(data.images.samples)
    assert "nobody" not in data.boxes


def test_boxes_of_a_mask_by_hand():
    mask = np.zeros((10, 10), dtype=bool)
    mask[1:3, 2:6] = True
    mask[6:9, 0:4] = True
    mask[5, 9] = True  # a speck: 1 of 21 pixels
    assert boxes_of(mask) == [(0.2, 0.1, 0.4, 0.2), (0.0, 0.6, 0.4, 0.3)]
    assert boxes_of(np.zeros((10, 10), dtype=bool)) == []


def test_reports_belong_to_their_images_and_subjects_to_their_patients(kb, pool):
    data = twin("mimic_multi", pool, kb)
    told = pool.reported()
    assert [s.id for s, _ in told] == [data.images.samples[r].id for r in data.rows("test")]
    assert all(f"{r.findings}\n\n{r.impression}" == s.report for s, r in told)
    drawn = generate(PhantomConfig(size=SIZE), index(told[0][0]))
    assert drawn.report == told[0][1]
    subject = data.subjects[data.rows("test")[0]]
    assert (subject.sex, subject.age) == (drawn.patient.sex, drawn.patient.age)


def test_another_seed_or_size_is_another_pool_and_workers_are_not():
    one = make_pool()
    assert one.identity() == make_pool(workers=2).identity()
    others = [make_pool(seed=1), make_pool(size=64), make_pool(n=41), make_pool(train=25)]
    assert len({one.identity(), *(p.identity() for p in others)}) == 5
    key = one.multi().pixel_keys
    assert make_pool(workers=2).multi().pixel_keys == key
    # What is not in a split does not change it.
    assert make_pool(train=25).multi().pixel_keys["test"] == key["test"]
    assert make_pool(seed=1).multi().pixel_keys["test"] != key["test"]


def test_no_training_phantoms_leave_two_splits(kb):
    data = twin("rsna", make_pool(train=0), kb)
    assert (data.rows("train"), set(data.pixel_keys)) == ([], {"test", "valid"})
    assert "train" not in data.split_words


def test_an_unknown_twin_names_the_near_ones(kb, pool):
    with pytest.raises(UnknownNameError, match=r"'rsn'; did you mean 'rsna'"):
        twin("rsn", pool, kb)


def test_damaged_phantoms_are_named(kb, cache):
    twin("mimic_fg", make_pool(seed=9), kb).images.pixels[:]
    folders = list((cache / "bench-phantoms").iterdir())
    kept = {path: (path / "boxes.json").read_bytes() for path in folders}
    for path in folders:
        (path / "boxes.json").write_text("[[1]]")
    try:
        with pytest.raises(DataError, match=r"damaged; delete the folder"):
            twin("mimic_fg", make_pool(seed=9), kb).images.pixels[:]
    finally:
        for path, content in kept.items():
            (path / "boxes.json").write_bytes(content)
