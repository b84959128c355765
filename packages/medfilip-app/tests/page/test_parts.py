import pytest
from medfilip_app.errors import UploadError
from medfilip_app.page.parts import said, told


def test_what_goes_wrong_on_purpose_is_told():
    def wrong() -> str:
        raise UploadError("no <image>")

    line = told(wrong, str)
    assert 'role="alert"' in line
    assert "⚠ no &lt;image&gt;" in line
    assert told(lambda: "answer", str) == "answer"


def test_what_nobody_expects_is_no_answer():
    with pytest.raises(ZeroDivisionError):
        told(lambda: str(1 // 0), str)


def test_a_note_is_no_alarm():
    assert "alert" not in said("Open an image.")
