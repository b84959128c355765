import numpy as np
import pytest
from medfilip_model.data.decode import load_image, read_grey
from medfilip_model.errors import DataError
from pydicom import Dataset
from pydicom.uid import JPEG2000Lossless, RLELossless

RAMP = np.tile(np.arange(64, dtype=np.uint16) * 64, (64, 1))


def grey(raw):
    image, _ = read_grey(raw, 64)
    return np.asarray(image)[0].astype(int)


def test_the_range_of_the_pixels_becomes_black_to_white(dicom, tmp_path):
    path = tmp_path / "no-ending"
    path.write_bytes(dicom())
    assert load_image(path, 64)[0].tolist() == [round(n * 255 / 63 - 1e-9) for n in range(64)]
    assert read_grey(path, 8)[1] == (64, 64)


def test_the_window_is_what_is_shown(dicom):
    shown = grey(dicom(WindowCenter=1024, WindowWidth=512))
    assert shown[:12].max() == 0
    assert shown[21:].min() == 255
    assert 0 < shown[16] < 255


def test_the_first_of_several_windows_counts(dicom):
    several = grey(dicom(WindowCenter=[1024, 3000], WindowWidth=[512, 100]))
    assert several.tolist() == grey(dicom(WindowCenter=1024, WindowWidth=512)).tolist()


def test_the_rescale_comes_before_the_window(dicom):
    tags = {"RescaleSlope": 2, "RescaleIntercept": -1000, "RescaleType": "US"}
    rescaled = grey(dicom(WindowCenter=2 * 1024 - 1000, WindowWidth=1024, **tags))
    assert np.abs(rescaled - grey(dicom(WindowCenter=1024, WindowWidth=512))).max() <= 1


def test_a_voi_table_is_applied(dicom):
    table = Dataset()
    table.LUTDescriptor = [4096, 0, 16]
    table.LUTData = np.minimum(np.arange(4096), 1000).astype("<u2").tobytes()
    shown = grey(dicom(VOILUTSequence=[table]))
    assert shown[16:].tolist() == [255] * 48
    assert shown[8] == pytest.approx(255 * 512 / 1000, abs=1)


def test_monochrome1_is_inverted_and_padding_is_black(dicom):
    inverted = grey(dicom(PhotometricInterpretation="MONOCHROME1"))
    assert (inverted + grey(dicom())).tolist() == [255] * 64
    pixels = RAMP.copy()
    pixels[:, 0] = 4095
    for kind in ("MONOCHROME1", "MONOCHROME2"):
        shown = grey(dicom(pixels, PhotometricInterpretation=kind, PixelPaddingValue=4095))
        assert shown[0] == 0
        assert {shown[1], shown[63]} == {0, 255}


def test_a_constant_image_is_black(dicom):
    assert grey(dicom(np.full((64, 64), 900, np.uint16))).max() == 0


@pytest.mark.parametrize("syntax", [JPEG2000Lossless, RLELossless])
def test_compressed_pixels_are_the_same_pixels(dicom, syntax):
    assert grey(dicom(syntax=syntax)).tolist() == grey(dicom()).tolist()


@pytest.mark.parametrize(
    ("tags", "message"),
    [
        ({"PixelData": None}, "DICOM without pixel data"),
        ({"NumberOfFrames": 3}, "3 frames: it is no single image"),
        ({"PhotometricInterpretation": "RGB"}, "photometric interpretation 'RGB'"),
        ({"Rows": 20000, "Columns": 20000}, "20000 x 20000 pixels are more than"),
        ({"Rows": 65, "Columns": 64}, "."),
        ({"Rows": None}, "."),
    ],
)
def test_what_is_no_single_grey_image_is_refused(dicom, tags, message):
    with pytest.raises(DataError, match=message):
        read_grey(dicom(**tags), 64)
