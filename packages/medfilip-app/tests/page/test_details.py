"""What the answers say at their edges: nothing, a little, too much."""

import base64
import io
import os
import re
import socket
from dataclasses import replace
from html import unescape
from types import SimpleNamespace

import numpy as np
import pytest
from fastapi import FastAPI
from gpt_ie import GptIeError, Report, RulesEngine
from iki_knowledge import IkiError, KnowledgeBase
from medfilip_app.check import Check, check_report
from medfilip_app.errors import AppError, UploadError
from medfilip_app.page import desk as desks
from medfilip_app.page import gallery, server
from medfilip_app.page.answers import PhraseScore, Place
from medfilip_app.page.classes import bars, phrase_card, why
from medfilip_app.page.desk import Desk
from medfilip_app.page.entries import compared, entry_card, index, look_alikes
from medfilip_app.page.findings import read_report
from medfilip_app.page.gallery import Opened
from medfilip_app.page.header import header
from medfilip_app.page.highlight import marks
from medfilip_app.page.parts import MAX_TEXT, taken, told
from medfilip_app.page.picture import figure
from medfilip_app.page.verdicts import checked
from medfilip_model.classes import ClassScore
from medfilip_model.errors import DataError, MedfilipError
from medfilip_model.explain import AttributeScore, Explanation, Inferred, Reasons
from PIL import Image

GREY = np.zeros((32, 32), np.uint8)


def attribute(number: int, evidence: float | None = 1.0) -> AttributeScore:
    return AttributeScore(f"a:{number}", f"sign {number}", 0.25, evidence)


def test_five_attributes_and_three_categories_are_named(kb: KnowledgeBase):
    many = tuple(map(attribute, range(8)))
    follows = tuple(
        Inferred(name, 0.4 - n / 10, None, None, (), ()) for n, name in enumerate(sorted(kb)[:4])
    )
    html = why(Reasons((Explanation("mass", many, (), None, None),), follows), kb)
    assert html.count("+ sign") == 5
    assert "No severity or place fits better" in html
    assert "<li>nothing</li>" in html
    names = [kb[one.category].name for one in follows]
    assert all(f"{name} {40 - 10 * n}%" in html for n, name in enumerate(names[:3]))
    assert f"{names[3]} 10%" not in html
    bare = why(Reasons((Explanation("mass", (attribute(0, None),), (), None, None),), ()), kb)
    assert "<b>0.25</b>" in bare
    assert "attributes alone" not in bare


def test_a_class_that_is_unlike_the_image_has_no_bar():
    html = bars([ClassScore("Mass", "mass", -0.3)])
    assert 'style="width:0.0%"' in html
    assert ">-0.30<" in html
    assert bars([]) == ""


def test_a_pooled_curve_is_told_of_where_one_was_read():
    own = ClassScore("Mass", "mass", 0.5, 0.5, None, "own")
    assert "common to all classes" not in bars([own])
    html = bars([own, replace(own, calibrated="pooled"), replace(own, probability=None)])
    assert "common to all classes" in html
    assert ">probability<" in html


def test_a_phrase_stands_beside_the_text_of_no_finding():
    assert "without findings has 0.340" in phrase_card(PhraseScore("fluid", 0.329, 0.34, None))


def test_the_index_is_searched_by_all_that_is_known(kb: KnowledgeBase):
    html = unescape(index(kb))
    entry = kb["pleural_effusion"]
    (text,) = [found for found in re.findall(r'data-text="([^"]*)"', html) if entry.id in found]
    for words in (entry.name, *entry.aliases, entry.explanation):
        assert words.lower() in text
    assert text == text.lower()
    assert f"{len(kb)} found" in html


def test_an_entry_names_what_it_is_a_kind_of_and_its_places(kb: KnowledgeBase):
    category = next(name for name in kb if kb.ancestors(name) and kb[name].by_place)
    html = unescape(entry_card(kb, category))
    assert "A kind of" in html
    assert all(kb[name].name in html for name in kb.ancestors(category))
    for key, one in kb[category].by_place.items():
        assert key.replace("_", " ") in html
        assert one.explanation in html


def test_what_tells_look_alikes_apart_is_that_of_the_entry_itself(kb: KnowledgeBase):
    both = [(a, b) for a in kb for b in kb[a].look_alikes if a in kb[b].look_alikes]
    assert both
    for one, other in both:
        assert look_alikes(kb, one)[other] == kb[one].look_alikes[other]
    one, other = both[0]
    assert kb[one].look_alikes[other] in unescape(compared(kb, one, other))


def test_a_table_of_findings_has_what_is_said_and_dashes_for_the_rest(kb: KnowledgeBase):
    text = "Small left basilar effusion, unchanged. Possible mass."
    html = read_report(text, RulesEngine(kb).extract(Report("r", {"text": text})), kb)
    rows = [re.findall(r"<td[^>]*>([^<]*)</td>", row) for row in html.split("<tr>")[2:]]
    assert rows[0] == ["1", "● present", "small", "left", "base", "stable"]
    assert rows[1] == ["2", "◐ uncertain", "–", "–", "–", "–"]


def test_the_scale_says_what_the_colours_mean():
    image = Opened("t", "a.png", "", GREY, GREY)
    values = np.full((32, 32), 1.5, np.float32)
    html = figure(image, Place("attention", values, 1.0, 1.0), "mass")
    assert "where the model looked" in html
    # The highest value of all is no higher than the floor: nothing is divided by nothing.
    assert html.count(">1.00<") == 2
    assert "&lt;b&gt;" in figure(image, Place("similarity", values, 1.0, 2.0), "<b>")


def test_a_check_without_anything_says_so(kb: KnowledgeBase):
    html = checked("None.", Check("r", "rules", (), (), 0.0), kb)
    assert "no finding of the dictionary" in html
    assert "nothing that the model is sure of" in html


def test_lines_are_numbered_as_the_text_is(desk: Desk):
    text = "Small left effusion. Cardiomegaly."
    found = desk.checker(desk.loaded, GREY, Report("r", {"text": text}))
    html = checked(text, found, desk.kb)
    assert html.count("<sup>1</sup>") == html.count("<sup>2</sup>") == 2
    picks = re.findall(r'data-pick="([^"]+)"', html)
    assert picks == ["pleural_effusion", "cardiomegaly", "hernia"]


def test_a_report_has_some_text_and_not_too_much(desk: Desk):
    assert desk.report("x" * MAX_TEXT).sections["text"] == "x" * MAX_TEXT
    with pytest.raises(UploadError, match=f"longer than {MAX_TEXT} characters"):
        desk.report("x" * (MAX_TEXT + 1))
    with pytest.raises(UploadError, match="paste a report first"):
        desk.report(" \n")


def test_a_desk_judges_as_the_command_does_and_is_warm(
    desk: Desk, phantom: Opened, monkeypatch: pytest.MonkeyPatch
):
    warmed: list[str] = []
    own = desks.Answers.warm

    def warm(self: desks.Answers, library: str) -> None:
        warmed.append(library)
        own(self, library)

    monkeypatch.setattr(desks.Answers, "warm", warm)
    report = Report("r", {"text": "Small left pleural effusion."})
    plain = desks.set_up(desk.loaded)
    assert warmed == [desks.LIBRARY]
    wanted = check_report(desk.loaded, phantom.pixels, report)
    assert plain.checker(desk.loaded, phantom.pixels, report) == wanted


@pytest.mark.parametrize("kind", [AppError, GptIeError, IkiError, MedfilipError])
def test_what_any_package_says_on_purpose_is_told(kind: type[Exception]):
    def wrong() -> str:
        raise kind("not so")

    assert "not so" in told(wrong, str)


@pytest.mark.parametrize("token", [None, 3, ["a"]])
def test_what_is_no_token_opens_nothing(token: object):
    with pytest.raises(UploadError, match="open an image first"):
        taken(gallery.Gallery(32), SimpleNamespace(token=token))  # type: ignore[arg-type]


def test_a_finding_without_evidence_has_no_mark(kb: KnowledgeBase):
    read = RulesEngine(kb).extract(Report("r", {"text": "A mass. Cardiomegaly."})).findings
    bare = [read[0].model_copy(update={"evidence": None}), read[1]]
    assert [mark.number for mark in marks(bare, ["present", "absent"])] == [2]


def test_what_a_run_was_trained_on_is_escaped(desk: Desk):
    assert "<i>set" not in header(replace(desk.loaded, trained_on="9 images of '<i>set'"))


def test_the_nearest_are_among_the_look_alikes(kb: KnowledgeBase):
    for category in list(kb)[:20]:
        assert {near.category for near in kb.nearest(category, 3)} <= set(look_alikes(kb, category))


def test_a_place_below_the_floor_is_not_coloured():
    image, values = Opened("t", "a.png", "", GREY, GREY), np.full((32, 32), 0.9, np.float32)
    assert "No place speaks for x" in figure(image, Place("attention", values, 1.0, 2.0), "x")
    values[:16] = 1.8
    html = figure(image, Place("attention", values, 1.0, 2.0), "x")
    assert "Heatmap of x" in html
    heat = re.findall(r'src="data:image/jpeg;base64,([^"]+)"', html)[1]
    drawn = np.asarray(Image.open(io.BytesIO(base64.b64decode(heat)))).astype(int)
    assert np.ptp(drawn[4, 16]) > 30
    assert np.ptp(drawn[28, 16]) < 6


def test_a_long_reason_is_one_short_line(monkeypatch: pytest.MonkeyPatch, good: bytes):
    def fail(*_: object) -> None:
        raise DataError("no\n" * 500)

    monkeypatch.setattr(gallery, "read_grey", fail)
    with pytest.raises(UploadError) as caught:
        gallery.Gallery(32).open_file(good, "a.png")
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 250


def test_an_address_of_version_six_stands_in_brackets():
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("this machine has no such address")
    with server.listen("::1", 0) as found:
        assert server.address(found) == f"http://[::1]:{found.getsockname()[1]}/"


def test_a_server_that_does_not_start_is_an_error(monkeypatch: pytest.MonkeyPatch):
    ended = SimpleNamespace(run=lambda sockets: None, started=False)
    monkeypatch.setattr(server, "_server", lambda _: ended)
    with pytest.raises(AppError, match="does not start"), server.running(FastAPI()):
        pass


def test_nobody_is_told_who_asked_what_and_when(address: str):
    assert address
    assert not server._server(FastAPI()).config.access_log
    assert os.environ["GRADIO_ANALYTICS_ENABLED"] == "False"
