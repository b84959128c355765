import io
from dataclasses import replace

import numpy as np
import pytest
from gpt_ie import Report
from medfilip_app.check import check_report
from medfilip_app.loaded import Loaded
from medfilip_app.record import CheckRecord, check_record
from medfilip_app.text import as_text, image_words, model_line, percent, plain
from medfilip_model.consistency import SlotJudgement
from rich.console import Console


def record(loaded: Loaded, text: str, grey: int = 128) -> CheckRecord:
    pixels = np.full((32, 32), grey, np.uint8)
    return check_record(loaded, "a.png", check_report(loaded, pixels, Report("r", {"text": text})))


def shown(found: CheckRecord, width: int = 120) -> list[str]:
    console = Console(file=io.StringIO(), width=width, highlight=False)
    console.print(as_text(found))
    return [line.rstrip() for line in console.file.getvalue().splitlines()]  # type: ignore[attr-defined]


@pytest.mark.usefixtures("foresee")
def test_what_a_reader_sees(loaded: Loaded):
    lines = shown(record(loaded, "Small left pleural effusion. No pneumothorax."))
    assert [line.split("  ")[0] for line in lines] == [
        "verdict",
        "contradicted",
        "supported",
        "",
        "The image shows, and the report does not say:",
        "",
        "",
        "",
        "Model 'tiny', trained on 64 phantoms, 2 epochs. It says nothing about patients. Not for "
        "clinical use.",
    ]
    effusion = lines[1]
    assert "small left-sided pleural effusion" in effusion
    assert "“Small left pleural effusion”" in effusion
    assert effusion.endswith("50%  right")
    assert lines[6].split() == ["cardiomegaly", "88%", "left"]


@pytest.mark.usefixtures("foresee")
def test_nothing_stated_and_nothing_left_out(loaded: Loaded):
    lines = shown(record(loaded, "Comparison: none.", grey=0))
    assert lines[0] == "The report states no finding."
    assert lines[2] == "The image shows nothing that the report leaves out."


@pytest.mark.usefixtures("foresee")
def test_what_cannot_be_told_is_not_told(loaded: Loaded):
    lines = shown(record(replace(loaded, calibration=None), "A mass."))
    assert "Whether the report leaves something out is not known." in lines


@pytest.mark.usefixtures("foresee")
@pytest.mark.parametrize("width", [60, 80])
def test_a_narrow_terminal_breaks_no_verdict(loaded: Loaded, width: int):
    lines = shown(record(loaded, "Small left pleural effusion. Possible nodule."), width)
    assert max(map(len, lines)) <= width
    assert any(line.startswith("contradicted ") for line in lines)


@pytest.mark.usefixtures("foresee")
def test_what_a_report_holds_does_not_steer_the_terminal(loaded: Loaded):
    found = record(loaded, "Small \x1b[31mleft\u202e pleural [bold]effusion[/bold].")
    text = "\n".join(shown(found))
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert plain("a\x1b]0;title\x07b\n c") == "a ]0;title b c"


def test_what_the_image_shows_rather_in_words():
    slots = (
        SlotJudgement("presence", "present", "absent", -2.0, "contradicted"),
        SlotJudgement("side", "left", "right", 1.0, "supported"),
        SlotJudgement("severity", "small", "large", -1.0, "contradicted"),
    )
    assert image_words(slots) == "it is not there, large"
    assert image_words(slots[1:2]) == ""
    assert image_words([replace(slots[0], image=None)]) == ""


def test_no_probability_is_certain():
    assert [percent(value) for value in (None, 0.0, 0.004, 0.5, 0.996, 1.0)] == [
        "", "< 1%", "< 1%", "50%", "> 99%", "> 99%",
    ]  # fmt: skip
    assert [percent(value) for value in (0.01, 0.06, 0.94, 0.99)] == ["1%", "6%", "94%", "99%"]


@pytest.mark.usefixtures("foresee")
def test_each_verdict_has_its_colour(loaded: Loaded):
    console = Console(
        file=io.StringIO(), width=120, force_terminal=True, color_system="standard", no_color=False
    )
    text = "Small left pleural effusion. No pneumothorax. Possible nodule."
    console.print(as_text(record(loaded, text)))
    drawn = console.file.getvalue()  # type: ignore[attr-defined]
    for colour, verdict in (("1;31", "contradicted"), ("32", "supported"), ("33", "undecided")):
        assert f"\x1b[{colour}m{verdict}" in drawn


@pytest.mark.usefixtures("foresee")
def test_only_phantoms_are_called_so(loaded: Loaded):
    of_images = replace(loaded, phantom=False, trained_on="9 images of 'set'")
    odd = record(replace(loaded, name="a\x1b[31m\nb"), "A mass.").model
    assert model_line(odd).startswith("Model 'a [31m b', ")
    model = record(of_images, "A mass.").model
    assert model_line(model) == (
        "Model 'tiny', trained on 9 images of 'set'. Not for clinical use."
    )
