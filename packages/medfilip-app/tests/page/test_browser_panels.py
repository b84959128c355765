"""What the panels of the page do in headless Chromium beyond the first press."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

DROP = """([name, bytes]) => {
    const zone = document.querySelector('#image-upload .mf-drop');
    const files = new DataTransfer();
    files.items.add(new File([new Uint8Array(bytes)], name));
    const send = (kind) => zone.dispatchEvent(
        new DragEvent(kind, { dataTransfer: files, bubbles: true, cancelable: true }));
    const taken = !send('dragover');
    const lit = zone.classList.contains('mf-over');
    send('drop');
    return [taken, lit, zone.classList.contains('mf-over')];
}"""
FOUND = """() => {
    const shown = (one) => one.checkVisibility();
    const items = [...document.querySelectorAll('#dictionary-index [data-text]')].filter(shown);
    const groups = [...document.querySelectorAll('#dictionary-index [data-group]')].filter(shown);
    return {
        items: items.map((one) => one.dataset.text),
        empty: groups.filter((group) => ![...group.querySelectorAll('li')].some(shown)).length,
        said: document.querySelector('.mf-found').textContent,
    };
}"""


@pytest.fixture(scope="module")
def page(browser: Browser, address: str) -> Iterator[Page]:
    """The page, opened once: each test goes on where the one before left it."""
    opened = browser.new_page()
    opened.set_default_timeout(15_000)
    opened.goto(address)
    opened.wait_for_selector("#image-phantom")
    yield opened
    opened.close()


def tab(page: Page, name: str) -> None:
    page.get_by_role("tab", name=name, exact=True).click()


def told(page: Page, selector: str, words: str) -> str:
    """The text of a part of the page, as soon as it has the words."""
    page.locator(selector).filter(has_text=words).first.wait_for()
    return page.locator(selector).first.inner_text()


def open_file(page: Page, name: str, content: bytes, tab: str = "image") -> None:
    page.locator(f"#{tab}-upload .mf-file").set_input_files(
        {"name": name, "mimeType": "application/octet-stream", "buffer": content}
    )


def test_a_file_may_be_dropped(page: Page, good: bytes):
    assert page.evaluate(DROP, ["dropped.png", list(good)]) == [True, True, False]
    told(page, "#image-figure figcaption", "dropped.png")


def test_a_name_in_any_script_is_kept_and_the_same_file_may_be_opened_again(
    page: Page, good: bytes
):
    open_file(page, "снимок 1.png", good)
    told(page, "#image-figure figcaption", "снимок 1.png")
    # A browser tells of a choice only where it differs from the last one.
    assert page.locator("#image-upload .mf-file").input_value() == ""


def test_a_server_that_does_not_answer_is_said(page: Page, good: bytes):
    page.route("**/image", lambda route: route.abort())
    open_file(page, "lost.png", good)
    assert "lost.png" in told(page, "#image-upload .mf-status.mf-error", "does not answer")
    page.unroute("**/image")


def test_one_class_is_pressed_at_a_time(page: Page):
    page.wait_for_selector("#image-figure .mf-heat")
    for place in (3, 5):
        row = page.locator("#image-classes .mf-row").nth(place)
        row.click()
        pressed = page.locator("#image-classes [aria-pressed=true]")
        assert pressed.count() == 1
        assert pressed.get_attribute("data-pick") == row.get_attribute("data-pick")


def test_another_image_clears_what_was_said_of_the_last(page: Page, good: bytes):
    page.locator("#image-phrase textarea, #image-phrase input").first.fill("fluid")
    page.keyboard.press("Enter")
    told(page, "#image-scored", "similarity")
    page.click("#image-phantom")
    told(page, "#image-figure figcaption", "phantom")
    page.wait_for_function("!document.querySelector('#image-scored .mf-card')")


def test_the_search_counts_what_has_all_words_whatever_their_case(page: Page):
    tab(page, "Dictionary")
    page.locator(".mf-search").fill("LUNG  left")
    found = page.evaluate(FOUND)
    assert len(found["items"]) > 1
    assert all("lung" in text and "left" in text for text in found["items"])
    assert (found["said"], found["empty"]) == (f"{len(found['items'])} found", 0)
    page.locator(".mf-search").fill("")
    assert len(page.evaluate(FOUND)["items"]) > len(found["items"])


def test_look_alikes_are_compared_with_the_entry_that_is_shown(page: Page):
    tab(page, "Dictionary")
    page.click("#dictionary-index [data-pick=pneumothorax]")
    told(page, "#dictionary-entry h3", "pneumothorax")
    other = page.locator("#dictionary-alike .mf-chip").nth(1)
    name = other.inner_text()
    other.click()
    assert "only pneumothorax" in told(page, "#dictionary-both", f"only {name}")


def test_what_is_left_out_is_shown_on_the_image_and_what_was_said_goes(page: Page, good: bytes):
    tab(page, "Check")
    page.locator("#check-text textarea").fill("Small left effusion.")
    page.click("#check-run")
    told(page, "#check-notice .mf-error", "open an image first")
    open_file(page, "scan.png", good, "check")
    told(page, "#check-notice", "Now its report")
    page.click("#check-run")
    page.click("#check-verdicts [data-pick=hernia]")
    assert "hernia" in told(page, "#check-figure .mf-slider", "ernia")
    page.wait_for_function("!document.querySelector('#check-notice p')")
    # A new image has no verdicts yet.
    open_file(page, "other.png", good, "check")
    told(page, "#check-notice", "Now its report")
    page.wait_for_function("!document.querySelector('#check-verdicts .mf-line')")


def test_a_mistake_needs_a_phantom_and_leaves_its_heatmap(page: Page, good: bytes):
    tab(page, "Check")
    open_file(page, "scan.png", good, "check")
    told(page, "#check-figure figcaption", "scan.png")
    page.click("#check-mistake")
    told(page, "#check-figure figcaption", "phantom")
    page.locator("#check-verdicts .mf-line").first.click()
    page.wait_for_selector("#check-figure .mf-heat")
    heat = page.locator("#check-figure .mf-heat").get_attribute("src")
    page.locator("#check-text textarea").fill("")
    page.click("#check-mistake")
    page.wait_for_function("document.querySelector('#check-text textarea').value !== ''")
    page.wait_for_selector("#check-verdicts .mf-line")
    assert page.locator("#check-figure .mf-heat").get_attribute("src") == heat
