import xml.etree.ElementTree as ET

from gpt_ie.evaluate.evaluation import NOTHING
from gpt_ie.evaluate.figure import confusion_svg

SVG = "{http://www.w3.org/2000/svg}"


def numbers(svg: str) -> list[int]:
    texts = [text.text or "" for text in ET.fromstring(svg).iter(f"{SVG}text")]
    return sorted(int(text) for text in texts if text.isdigit())


def test_every_report_stands_in_a_cell():
    confusion = {("mass", "mass"): 7, ("mass", "nodule"): 2, (NOTHING, "nodule"): 1}
    svg = confusion_svg(confusion | {("hernia", NOTHING): 3})
    assert numbers(svg) == [1, 2, 3, 7]
    assert "(not coded)" in svg
    assert "(not said)" in svg
    assert "other" not in svg


def test_rare_categories_are_summed_up():
    confusion = {(f"c{k:02}", f"c{k:02}"): 100 - k for k in range(30)}
    svg = confusion_svg(confusion, top=10)
    assert sum(numbers(svg)) == sum(confusion.values())
    assert "c09" in svg
    assert "c10" not in svg


def test_names_are_text_and_not_markup():
    svg = confusion_svg({("<script>&'", "<script>&'"): 1})
    assert "<script>" not in svg
    assert "<script>&'" in [text.text for text in ET.fromstring(svg).iter(f"{SVG}text")]


def test_nothing_to_draw_is_a_picture_too():
    ET.fromstring(confusion_svg({}))
