import contextlib
import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from medfilip_model.data import decode
from medfilip_model.data.decode import (
    MAX_PIXELS,
    check_pixels,
    load_image,
    read_grey,
    square,
    to_eight_bits,
)
from medfilip_model.errors import DataError
from PIL import Image


def save(path, values, **how):
    Image.fromarray(values).save(path, **how)
    return path


def content(image, kind, **how):
    buffer = io.BytesIO()
    image.save(buffer, kind, **how)
    return buffer.getvalue()


def test_the_centre_square_is_kept(tmp_path):
    wide = np.zeros((10, 30), dtype=np.uint8)
    wide[:, 10:20] = 200
    assert load_image(save(tmp_path / "wide.png", wide), 10).tolist() == [[200] * 10] * 10


def test_padding_keeps_the_whole_image_in_the_middle(tmp_path):
    wide = save(tmp_path / "wide.png", np.full((10, 20), 200, dtype=np.uint8))
    padded = load_image(wide, 20, "pad")
    assert padded[5:15].tolist() == [[200] * 20] * 10
    assert padded[:5].max() == padded[15:].max() == 0
    tall = save(tmp_path / "tall.png", np.full((40, 20), 200, dtype=np.uint8))
    assert (
        load_image(tall, 20, "pad").any(axis=0).tolist() == [False] * 5 + [True] * 10 + [False] * 5
    )


@pytest.mark.parametrize("fit", ["crop", "pad"])
@settings(deadline=None, max_examples=30)
@given(width=st.integers(1, 60), height=st.integers(1, 60), size=st.integers(1, 40))
def test_any_shape_becomes_the_square(fit, width, height, size):
    made = square(Image.new("L", (width, height), 130), size, fit)
    assert made.size == (size, size)
    assert (made.getpixel((size // 2, size // 2))) in ((130,) if fit == "crop" else (130, 0))


def test_scaling_is_even_on_both_axes():
    ramp = np.tile(np.linspace(0, 255, 512), (512, 1)).astype(np.uint8)
    across = np.asarray(square(Image.fromarray(ramp), 64), dtype=float)
    down = np.asarray(square(Image.fromarray(ramp.T.copy()), 64), dtype=float)
    assert np.abs(across - down.T).max() == 0
    assert np.abs(across[0] - (np.arange(64) + 0.5) * 4 + 0.5).max() < 1.5


def test_a_jpeg_is_decoded_small_but_tells_its_own_size(tmp_path):
    rng = np.random.default_rng(0)
    smooth = Image.fromarray(rng.integers(0, 255, (16, 16), dtype=np.uint8)).resize((512, 640))
    smooth.save(tmp_path / "film.jpg", quality=95)
    image, size = read_grey(tmp_path / "film.jpg", 100)
    assert size == (512, 640)
    assert image.size == (128, 160)
    whole = np.asarray(square(smooth, 100), dtype=float)
    small = load_image(tmp_path / "film.jpg", 100).astype(float)
    assert np.abs(small - whole).mean() < 1.5
    assert read_grey(tmp_path / "film.jpg", 600)[0].size == (512, 640)


@pytest.mark.parametrize(
    ("white", "values"), [(255, 255), (1023, 1023), (4095, 4095), (16383, 16383), (65535, 65535)]
)
def test_sixteen_bits_are_scaled_by_the_depth_in_use(white, values):
    grey = to_eight_bits(np.array([[0, values // 2, values]], dtype=np.uint16))
    assert grey[0, 0] == 0
    assert grey[0, 2] == 255
    assert abs(int(grey[0, 1]) - 127) <= 1


def test_sixteen_bits_are_scaled_not_clipped(tmp_path):
    values = np.full((8, 8), 257 * 100, dtype=np.uint16)
    assert load_image(save(tmp_path / "deep.png", values), 8).tolist() == [[100] * 8] * 8


def test_more_than_sixteen_bits_are_cut_to_sixteen(tmp_path):
    values = np.array([[-5, 0], [65535, 70000]], dtype=np.int32)
    save(tmp_path / "a.tiff", values)
    assert np.asarray(read_grey(tmp_path / "a.tiff", 2)[0]).tolist() == [[0, 0], [255, 255]]


def test_scaling_takes_the_nearest_grey():
    # 100.78 and 100.39 of 255.
    assert to_eight_bits(np.array([[25900, 25800, 65535]], np.uint16)).tolist() == [[101, 100, 255]]


@settings(deadline=None)
@given(st.integers(0, 2**16 - 1))
def test_scaling_keeps_the_order(top):
    values = np.array([sorted({0, top // 3, top // 2, top})], dtype=np.uint16)
    grey = to_eight_bits(values)[0].astype(int)
    assert (np.diff(grey) >= 0).all()


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "LA", "P", "1", "L"])
def test_every_grey_or_colour_mode_becomes_grey(tmp_path, mode):
    Image.new("L", (9, 8), 255).convert(mode).save(tmp_path / "a.png")
    assert load_image(tmp_path / "a.png", 8).tolist() == [[255] * 8] * 8


def test_the_camera_says_which_way_is_up(tmp_path):
    values = np.zeros((8, 8), dtype=np.uint8)
    values[:4] = 255
    image = Image.fromarray(values)
    exif = image.getexif()
    exif[0x0112] = 3  # turned by 180 degrees
    image.save(tmp_path / "a.png", exif=exif)
    assert load_image(tmp_path / "a.png", 8)[:, 0].tolist() == [0] * 4 + [255] * 4


def bomb(side=20000):
    """A PNG that says it has so many pixels a side and holds almost nothing."""

    def part(kind, body):
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    head = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + part(b"IHDR", head)
        + part(b"IDAT", zlib.compress(bytes(1000)))
        + part(b"IEND", b"")
    )


def animated():
    frames = [Image.new("L", (8, 8), n) for n in (10, 200)]
    return content(frames[0], "GIF", save_all=True, append_images=frames[1:])


HOSTILE = {
    "zero bytes": (b"", "not an image of a known format"),
    "no image": (b"%PDF-1.7 not an image", "not an image of a known format"),
    "bomb": (bomb(), "400000000 pixels"),
    "cmyk": (content(Image.new("CMYK", (8, 8)), "JPEG"), "CMYK pixels"),
    "animated": (animated(), "2 frames: it is no single image"),
    "float": (content(Image.new("F", (8, 8)), "TIFF"), "floating-point pixels"),
    "png cut short": (content(Image.effect_noise((64, 64), 50), "PNG")[:900], "."),
    "jpeg cut short": (content(Image.effect_noise((64, 64), 50), "JPEG")[:900], "truncated"),
    "not a dicom": (bytes(128) + b"DICM" + b"\xff" * 50, "."),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_one_clear_error(tmp_path, name):
    raw, message = HOSTILE[name]
    path = tmp_path / "a.jpg"
    path.write_bytes(raw)
    for source in (path, raw):
        with pytest.raises(DataError, match=message):
            read_grey(source, 8)
    with pytest.raises(DataError, match=r"cannot read image '.*a\.jpg': ."):
        load_image(path, 8)


@pytest.mark.parametrize(("width", "height"), [(0, 5), (5, 0)])
def test_nothing_is_no_image(width, height):
    with pytest.raises(DataError, match=f"{width} x {height} pixels: it is empty"):
        check_pixels(width, height)


def test_the_largest_image_is_still_read():
    check_pixels(MAX_PIXELS // 1024, 1024)
    with pytest.raises(DataError, match="more than the 48 million that are read"):
        check_pixels(MAX_PIXELS // 1024 + 1, 1024)
    # Its size stands in its first bytes; no pixel of it is decoded, and nothing is warned of.
    with pytest.raises(DataError, match=r"9500 x 9500 pixels .* 48 million"):
        read_grey(bomb(9500), 8)


def test_no_interpreter_is_handed_a_file():
    with pytest.raises(DataError, match="not an image of a known format"):
        read_grey(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n", 8)


@settings(deadline=None)
@given(cut=st.integers(0, 400), at=st.integers(0, 400), byte=st.integers(0, 255))
def test_damage_anywhere_is_an_image_or_an_error(cut, at, byte):
    raw = bytearray(content(Image.effect_noise((16, 16), 50), "JPEG"))
    raw[at % len(raw)] = byte
    with contextlib.suppress(DataError):
        assert read_grey(bytes(raw[: len(raw) - cut]), 8)[0].mode == "L"


def test_what_is_no_file_is_named(tmp_path):
    with pytest.raises(DataError, match=r"absent\.png': no such file"):
        load_image(tmp_path / "absent.png", 8)
    with pytest.raises(DataError, match="it is a folder"):
        load_image(tmp_path, 8)


def test_a_reason_is_in_words_without_the_files_place(tmp_path, monkeypatch):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(DataError) as told:
        read_grey(tmp_path / "file" / "a.png", 8)
    assert str(told.value) == "Not a directory"

    def fail(*_):
        raise RecursionError

    monkeypatch.setattr(decode, "_read", fail)
    with pytest.raises(DataError, match="RecursionError"):
        read_grey(b"", 8)


def test_the_name_of_a_file_does_not_matter(tmp_path):
    (tmp_path / "a.dcm").write_bytes(content(Image.new("L", (8, 8), 77), "PNG"))
    assert load_image(tmp_path / "a.dcm", 8).tolist() == [[77] * 8] * 8
