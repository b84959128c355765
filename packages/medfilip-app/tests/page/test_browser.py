"""The page as a person uses it, in headless Chromium."""

import io
import re
from collections.abc import Iterator

import numpy as np
import pytest
from medfilip_app.page.desk import Desk
from PIL import Image
from playwright.sync_api import Browser, Page, Request

TABS = ("Image", "Report", "Check", "Dictionary")


@pytest.fixture(scope="module")
def page(browser: Browser, address: str) -> Iterator[Page]:
    """The page, opened once: each test goes on where the one before left it."""
    opened = browser.new_page(viewport={"width": 1280, "height": 900})
    opened.set_default_timeout(15_000)
    errors: list[str] = []
    opened.on("pageerror", lambda error: errors.append(str(error)))
    opened.goto(address)
    opened.wait_for_selector("#image-phantom")
    yield opened
    opened.close()
    assert errors == []


def tab(page: Page, name: str) -> None:
    page.get_by_role("tab", name=name, exact=True).click()


def caption(page: Page) -> str:
    return page.evaluate("document.querySelector('#image-figure figcaption')?.innerText ?? ''")


def another(page: Page, before: str) -> None:
    """Wait until another image is open and all is said of it."""
    page.wait_for_function(
        "(was) => ![was, ''].includes("
        "document.querySelector('#image-figure figcaption')?.innerText ?? '')",
        arg=before,
    )
    page.wait_for_selector("#image-figure .mf-heat")


def show_phantom(page: Page) -> None:
    tab(page, "Image")
    before = caption(page)
    page.click("#image-phantom")
    another(page, before)


def open_file(page: Page, name: str, content: bytes, tab: str = "image") -> None:
    page.locator(f"#{tab}-upload .mf-file").set_input_files(
        {"name": name, "mimeType": "application/octet-stream", "buffer": content}
    )


def read_file(page: Page, name: str, content: bytes) -> None:
    """Open a file that can be read, and wait for all that is said of it."""
    tab(page, "Image")
    open_file(page, name, content)
    told(page, "#image-figure figcaption", name)
    page.wait_for_selector("#image-figure .mf-heat")


def told(page: Page, selector: str, words: str) -> str:
    """The text of a part of the page, as soon as it has the words."""
    page.locator(selector).filter(has_text=words).first.wait_for()
    return page.locator(selector).first.inner_text()


def test_it_asks_nobody_but_its_own_server(browser: Browser, address: str):
    page = browser.new_page()
    page.set_default_timeout(15_000)
    asked: list[Request] = []
    page.on("request", lambda request: asked.append(request))
    page.goto(address)
    page.click("#image-phantom")
    told(page, "#image-why", "Why")
    tab(page, "Report")
    page.click("#report-phantom")
    page.wait_for_selector("#report-shown .mf-report")
    tab(page, "Check")
    page.click("#check-phantom")
    page.wait_for_selector("#check-verdicts .mf-line")
    tab(page, "Dictionary")
    page.click("[data-pick=pneumonia] >> visible=true")
    told(page, "#dictionary-entry", "pneumonia")
    elsewhere = [one.url for one in asked if not one.url.startswith((address, "data:", "blob:"))]
    page.close()
    assert len(asked) > 20
    assert elsewhere == []


def test_its_policy_stops_what_a_script_would_fetch_elsewhere(page: Page):
    outcome = page.evaluate(
        "fetch('http://127.0.0.1:9/').then(() => 'sent', (error) => String(error))"
    )
    assert "Failed to fetch" in outcome
    blocked = page.evaluate(
        """new Promise((done) => {
            document.addEventListener('securitypolicyviolation', (e) => done(e.violatedDirective));
            fetch('http://127.0.0.1:9/').catch(() => {});
        })"""
    )
    assert blocked == "connect-src"


def test_an_image_is_opened_and_read(page: Page, good: bytes):
    read_file(page, "scan.png", good)
    assert "scan.png is open" in page.locator("#image-upload .mf-status").inner_text()
    assert page.locator("#image-classes .mf-row").count() == 14
    assert page.locator("#image-figure img").first.get_attribute("alt") == (
        "Chest radiograph, scan.png"
    )
    assert "middle square" in page.locator("#image-figure figcaption").inner_text()
    # No truth is known of a file.
    assert page.locator("#image-truth .mf-card").count() == 0
    page.click("#image-classes [data-pick=pneumothorax]")
    told(page, "#image-why", "Why pneumothorax?")
    assert page.locator("[data-pick=pneumothorax]").first.get_attribute("aria-pressed") == "true"
    page.locator("#image-phrase textarea, #image-phrase input").first.fill("<u>fluid</u>")
    page.keyboard.press("Enter")
    assert "<u>fluid</u>" in told(page, "#image-scored", "similarity")


def test_a_phantom_shows_what_was_drawn_and_another_library_is_asked(page: Page):
    show_phantom(page)
    told(page, "#image-truth", "What was drawn")
    page.click("#image-library input")
    page.get_by_role("option", name="siim", exact=True).click()
    page.wait_for_function("document.querySelectorAll('#image-classes .mf-row').length === 1")
    told(page, "#image-why", "Why pneumothorax?")
    page.click("#image-library input")
    page.get_by_role("option", name="chestxray14", exact=True).click()
    page.wait_for_function("document.querySelectorAll('#image-classes .mf-row').length === 14")


def test_the_strength_of_the_heatmap_is_changed_without_the_server(page: Page):
    show_phantom(page)
    asked: list[Request] = []
    page.on("request", lambda request: asked.append(request))
    slider = page.locator("#image-figure .mf-opacity")
    assert page.locator("#image-figure .mf-heat").evaluate("e => e.style.opacity") == "0.7"
    slider.focus()
    for _ in range(4):
        page.keyboard.press("ArrowLeft")
    assert page.locator("#image-figure .mf-heat").evaluate("e => e.style.opacity") == "0.5"
    assert [one.url for one in asked if one.method == "POST"] == []
    # And stays so when another class is pressed.
    page.locator("#image-classes .mf-row").nth(3).click()
    page.wait_for_function("document.querySelector('#image-figure .mf-opacity')?.value === '50'")


def test_hostile_files_are_told_and_the_page_goes_on(page: Page, good: bytes):
    tab(page, "Image")
    for name, content in {
        "archive.png": b"PK\x03\x04" + bytes(200),
        "cut.png": good[: len(good) // 2],
        "scan.dcm": bytes(128) + b"DICM" + bytes(50),
        "<img src=x onerror=alert(1)>.png": b"nothing of an image",
        "empty.jpg": b"",
    }.items():
        open_file(page, name, content)
        line = told(page, "#image-upload .mf-status.mf-error", name)
        assert line.startswith("⚠")
        assert "Traceback" not in page.content()
        page.evaluate("document.querySelector('.mf-status').textContent = ''")
    read_file(page, "good.png", good)


def test_too_large_a_file_is_told_before_it_is_sent(page: Page, good: bytes):
    tab(page, "Image")
    limit = "document.querySelector('#image-upload .mf-file').dataset.limit"
    before = page.evaluate(limit)
    page.evaluate(f"{limit} = '100'")
    asked: list[Request] = []
    page.on("request", lambda request: asked.append(request))
    open_file(page, "large.png", good)
    told(page, "#image-upload .mf-status.mf-error", "larger than")
    page.evaluate(f"{limit} = '{before}'")
    assert [one.url for one in asked] == []


def test_an_image_that_is_not_kept_any_longer_is_said(page: Page, desk: Desk):
    show_phantom(page)
    kept = desk.gallery._images._values
    before = dict(kept)
    kept.clear()
    page.locator("#image-classes .mf-row").nth(2).click()
    assert "open it again" in told(page, "#image-why .mf-error", "not kept")
    kept.update(before)


def test_a_report_is_highlighted_and_never_markup(page: Page):
    tab(page, "Report")
    text = "<img src=x onerror=window.hacked=1> ${1+1} {{this}} Small left effusion. No pneumonia."
    page.locator("#report-text textarea").fill(text)
    page.click("#report-read")
    page.wait_for_selector("#report-shown mark")
    shown = page.locator("#report-shown .mf-report").inner_text()
    assert shown.startswith("<img src=x onerror=window.hacked=1> ${1+1} {{this}} Small")
    assert page.evaluate("window.hacked") is None
    assert page.locator("#report-shown mark").count() == 2
    assert "pleural effusion" in page.locator("#report-shown table").inner_text()
    page.locator("#report-text textarea").fill("  ")
    page.click("#report-read")
    assert "paste a report" in told(page, "#report-shown .mf-error", "paste")
    page.get_by_role("button", name="Example: Normal").click()
    told(page, "#report-shown table", "denied")


def test_a_report_is_checked_against_its_image(page: Page, good: bytes):
    tab(page, "Check")
    page.locator("#check-text textarea").fill("")
    page.click("#check-run")
    assert "open an image first" in told(page, "#check-notice .mf-error", "open")
    open_file(page, "scan.png", good, "check")
    told(page, "#check-notice", "Now its report")
    page.locator("#check-text textarea").fill("Small left effusion. Cardiomegaly.")
    page.click("#check-run")
    lines = told(page, "#check-verdicts", "supported")
    assert "✗ contradicted" in lines
    assert "✓ supported" in lines
    assert "the image shows rather: right" in lines
    assert "! not in the report" in lines
    page.click("#check-verdicts [data-pick=cardiomegaly]")
    page.wait_for_selector("#check-figure .mf-heat")
    assert "cardiomegaly" in page.locator("#check-figure .mf-slider").inner_text()


def test_a_phantoms_report_gets_a_mistake(page: Page):
    tab(page, "Check")
    page.click("#check-phantom")
    told(page, "#check-figure figcaption", "phantom")
    told(page, "#check-verdicts", "What the report says")
    before = page.locator("#check-text textarea").input_value()
    caption = page.locator("#check-figure figcaption").inner_text()
    page.click("#check-mistake")
    told(page, "#check-notice", "The mistake")
    page.wait_for_selector("#check-verdicts .mf-line")
    assert page.locator("#check-text textarea").input_value() != before
    assert page.locator("#check-figure figcaption").inner_text() == caption


def test_the_dictionary_is_searched_and_look_alikes_compared(page: Page):
    tab(page, "Dictionary")
    page.locator(".mf-search").fill("collapsed air space")
    assert re.match(r"\d+ found", page.locator(".mf-found").inner_text())
    page.locator(".mf-search").fill("pneumothor")
    visible = page.locator("#dictionary-index [data-pick] >> visible=true")
    assert 0 < visible.count() < 20
    page.click("#dictionary-index [data-pick=pneumothorax]")
    told(page, "#dictionary-entry h3", "pneumothorax")
    other = page.locator("#dictionary-alike .mf-chip").nth(1)
    name = other.inner_text()
    other.click()
    assert f"only {name}" in told(page, "#dictionary-both", f"only {name}")


def test_everything_is_reached_by_the_keyboard(page: Page):
    tab(page, "Image")
    page.locator("[role=tab]").first.focus()
    page.keyboard.press("Tab")
    for _ in range(6):
        if page.evaluate("document.activeElement.className") == "mf-file":
            break
        page.keyboard.press("Tab")
    zone = page.locator("#image-upload .mf-drop")
    assert zone.evaluate("e => getComputedStyle(e).outlineStyle") == "solid"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "image-phantom"
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    before = caption(page)
    page.keyboard.press("Enter")
    another(page, before)
    row = page.locator("#image-classes .mf-row").nth(1)
    row.focus()
    page.keyboard.press("Enter")
    page.wait_for_function(
        "document.querySelectorAll('#image-classes .mf-row')[1].ariaPressed === 'true'"
    )
    # The button keeps the focus, so that the next one is a Tab away.
    assert row.evaluate("e => e === document.activeElement")


def test_every_field_has_a_name(page: Page):
    for name in TABS:
        tab(page, name)
        nameless = page.evaluate(
            """[...document.querySelectorAll('input, textarea, button, select')].filter((e) =>
                e.checkVisibility() && !(e.ariaLabel || e.innerText?.trim() || e.title
                || [...(e.labels ?? [])].some((label) => label.innerText.trim())
                || e.getAttribute('aria-labelledby'))).map((e) => e.outerHTML.slice(0, 200))"""
        )
        assert nameless == []


@pytest.fixture
def phone(browser: Browser, address: str) -> Iterator[Page]:
    page = browser.new_page(viewport={"width": 390, "height": 844}, color_scheme="dark")
    page.set_default_timeout(15_000)
    page.goto(address)
    yield page
    page.close()


def test_it_fits_a_phone(phone: Page):
    phone.click("#image-phantom")
    told(phone, "#image-why", "Why")
    for name in TABS:
        tab(phone, name)
        if name == "Report":
            phone.get_by_role("button", name="Example: After surgery").click()
            phone.wait_for_selector("#report-shown table")
        if name == "Check":
            phone.click("#check-phantom")
            phone.wait_for_selector("#check-verdicts .mf-line")
        width = phone.evaluate("[document.documentElement.scrollWidth, innerWidth]")
        assert width == [390, 390], name


def test_a_dicom_file_is_shown(page: Page):
    from pydicom import Dataset
    from pydicom.dataset import FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian

    made = Dataset()
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    made.file_meta.MediaStorageSOPClassUID = made.SOPClassUID = "1.2.840.10008.5.1.4.1.1.1.1"
    made.file_meta.MediaStorageSOPInstanceUID = made.SOPInstanceUID = "1.2.3"
    made.Rows = made.Columns = 64
    made.SamplesPerPixel, made.PhotometricInterpretation = 1, "MONOCHROME2"
    made.BitsAllocated, made.BitsStored, made.HighBit, made.PixelRepresentation = 16, 12, 11, 0
    made.PixelData = np.arange(4096, dtype=np.uint16).tobytes()
    file = io.BytesIO()
    made.save_as(file, enforce_file_format=True)
    read_file(page, "no ending", file.getvalue())
    assert "no ending: 64 × 64 pixels" in page.locator("#image-figure figcaption").inner_text()


def test_sixteen_bits_are_shown(page: Page):
    file = io.BytesIO()
    Image.fromarray(np.arange(4096, dtype=np.uint16).reshape(64, 64) * 16).save(file, "PNG")
    read_file(page, "deep.png", file.getvalue())
