import numpy as np
from iki_knowledge import Finding
from medfilip_model.phantom import PhantomConfig, contact_sheet, generate, one_of_each
from medfilip_model.phantom.sheet import caption


def test_caption_in_words():
    finding = Finding(category="pleural_effusion", severity="small", side="left", region="base")
    assert caption(finding) == "small left base pleural effusion"
    assert caption(Finding(category="cardiomegaly")) == "cardiomegaly"


def test_tiles_hold_the_images_and_captions_lie_below():
    phantoms = [generate(PhantomConfig(size=64), index) for index in range(5)]
    sheet = np.asarray(contact_sheet(phantoms, columns=2, tile=64))
    assert sheet.shape[1] == 2 * 68 + 4
    first = sheet[4:68, 4:68] / 255
    assert np.corrcoef(first.ravel(), phantoms[0].image.ravel())[0, 1] > 0.99
    below = sheet[69 : 69 + 12, 4:68]
    assert below.min() < 100, "some ink"
    assert below.max() == 255


def test_one_of_each_shows_every_level_alone():
    config = PhantomConfig(size=32, classes=("nodule", "pneumothorax"))
    shown = [phantom.findings for phantom in one_of_each(config)]
    assert all(len(findings) == 1 for findings in shown)
    assert [(f.category, f.severity) for (f,) in shown] == [
        ("nodule", "small"),
        ("nodule", None),
        ("nodule", "large"),
        ("pneumothorax", "small"),
        ("pneumothorax", "moderate"),
        ("pneumothorax", "large"),
    ]
