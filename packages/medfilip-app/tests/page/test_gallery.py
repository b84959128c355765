import numpy as np
import pytest
from medfilip_app.errors import UploadError
from medfilip_app.page import gallery
from medfilip_app.page.gallery import Gallery, plain_name


def test_a_file_is_decoded_for_the_model_and_for_people(good: bytes):
    opened = Gallery(32).open_file(good, "folder/scan.png")
    assert opened.pixels.shape == (32, 32)
    assert opened.shown.shape == (120, 120)
    assert (opened.name, opened.truth, opened.report) == ("scan.png", None, None)
    assert opened.about == "120 × 100 pixels, of which the model sees the middle square"


def test_an_image_is_found_by_its_token_alone(good: bytes):
    kept = Gallery(32, kept=1)
    first = kept.open_file(good, "a.png")
    assert kept.find(first.token) is first
    second = kept.open_file(good, "a.png")
    assert first.token != second.token
    with pytest.raises(UploadError, match="open it again"):
        kept.find(first.token)
    with pytest.raises(UploadError, match="open an image first"):
        kept.find(None)


def test_phantoms_come_one_after_the_other_with_what_is_known_of_them():
    kept = Gallery(32)
    one, two = kept.open_phantom(), kept.open_phantom()
    assert one.name != two.name
    assert not np.array_equal(one.pixels, two.pixels)
    assert one.truth is not None
    assert one.report is not None
    assert one.report.startswith("FINDINGS: ")
    assert one.shown.shape == (640, 640)


def test_phantoms_are_those_that_training_draws(phantom):
    from medfilip_model.phantom import PhantomConfig, generate
    from medfilip_model.phantom.cache import to_bytes

    number = int(phantom.name.split()[-1])
    drawn = generate(PhantomConfig(size=32, normal_share=0.1), number)
    assert np.array_equal(phantom.pixels, to_bytes(drawn.image))
    assert phantom.truth == drawn.findings


def test_too_large_a_file_is_not_decoded(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(gallery, "MAX_BYTES", 1 << 20)
    with pytest.raises(UploadError, match="larger than 1 MB"):
        Gallery(32).open_file(bytes((1 << 20) + 1), "a.png")


def test_no_program_is_started_for_postscript():
    content = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n%%EOF\n"
    with pytest.raises(UploadError, match="no PNG, JPEG"):
        Gallery(32).open_file(content, "a.png")


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\scans\\a b.dcm", "a b.dcm"),
        ("a\nb\x00c.png", "a b c.png"),
        ("", "image"),
        ("x" * 200, "x" * 30 + "…" + "x" * 30),
    ],
)
def test_names_are_made_plain(name: str, shown: str):
    assert plain_name(name) == shown
