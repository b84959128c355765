"""What several tabs share: scripts of the page, errors in words, an upload with its buttons."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from html import escape
from importlib import resources
from threading import BoundedSemaphore
from typing import Literal, TypedDict, TypeVar

import gradio as gr
from gpt_ie import GptIeError
from iki_knowledge.errors import IkiError
from medfilip_model.errors import MedfilipError

from medfilip_app.errors import AppError
from medfilip_app.page.gallery import MAX_BYTES, Gallery, Opened

MAX_TEXT = 20_000
"""Characters of a report; longer ones are refused."""
_EXPECTED = (AppError, GptIeError, IkiError, MedfilipError)


T = TypeVar("T")


class Wiring(TypedDict):
    """How a listener shows that it is at work, and that programs have no business with it."""

    show_progress: Literal["minimal"]
    api_visibility: Literal["private"]
    trigger_mode: Literal["always_last"]
    queue: Literal[False]


PRIVATE: Wiring = {
    "show_progress": "minimal",
    "api_visibility": "private",
    "trigger_mode": "always_last",
    "queue": False,
}
"""The settings of every listener.

Of presses while an answer is awaited the last one counts. Gradio's queue is not used: it answers
through a stream that its page opens and closes, and an answer that is asked for while the stream
closes is lost (seen with Gradio 6.31, one time in ten where one listener follows another).
"""
# Answers that are worked on at a time; others wait.
_TURNS = BoundedSemaphore(8)


@cache
def resource(name: str) -> str:
    """A file of this package as text."""
    return (resources.files("medfilip_app.page") / name).read_text("utf-8")


def said(text: str, kind: str = "note") -> str:
    """A line to the person; `kind` is ``note`` or ``error``."""
    role = ' role="alert"' if kind == "error" else ""
    sign = "⚠ " if kind == "error" else ""
    return f'<p class="mf-said mf-{kind}"{role}>{sign}{escape(text)}</p>'


def told(answer: Callable[[], T], otherwise: Callable[[str], T]) -> T:
    """An answer; what goes wrong on purpose is told to the person instead of being raised.

    Args:
        answer: Gives it.
        otherwise: From the line that is told (HTML) to what stands on the page then.
    """
    try:
        with _TURNS:
            return answer()
    except _EXPECTED as error:
        return otherwise(said(str(error), "error"))


def panel(name: str, value: str = "") -> gr.HTML:
    """A part of the page whose buttons, sliders and file fields speak to the server.

    Args:
        name: Its id on the page.
        value: HTML; what comes from people is escaped in it.

    Returns:
        A component with the events ``select`` (a button with ``data-pick`` was pressed; the event
        has ``pick``) and ``upload`` (a file was taken; the event has ``token``).
    """
    return gr.HTML(value, elem_id=name, js_on_load=resource("panel.js"), apply_default_css=False)


def written(name: str, value: str = "") -> gr.HTML:
    """A part of the page that is read alone.

    Args:
        name: Its id on the page.
        value: HTML, as of `panel`.
    """
    return gr.HTML(value, elem_id=name, js_on_load=None, apply_default_css=False)


@dataclass(frozen=True)
class Picker:
    """Where an image is opened.

    Attributes:
        box: File field; its event ``upload`` has the token of the image.
        phantom: Button that draws one.
        token: State: the token of the image that is open.
    """

    box: gr.HTML
    phantom: gr.Button
    token: gr.State


def picker(name: str, phantom: str = "Show a phantom") -> Picker:
    """Fields to open an image with, as two components and a state.

    Args:
        name: Beginning of their ids on the page.
        phantom: What the button says.
    """
    box = panel(
        f"{name}-upload",
        '<label class="mf-drop"><input type="file" class="mf-file" '
        f'data-limit="{MAX_BYTES}"><b>Open an image</b><span>PNG, JPEG, TIFF or DICOM, 8 or 16 '
        f"bits, up to {MAX_BYTES >> 20} MB; choose it, or drop it here</span></label>"
        '<p class="mf-said mf-status" role="status"></p>',
    )
    button = gr.Button(phantom, elem_id=f"{name}-phantom", variant="secondary")
    return Picker(box, button, gr.State(None))


def taken(gallery: Gallery, event: gr.EventData) -> Opened:
    """The image that an ``upload`` event is about.

    Raises:
        UploadError: If it is not kept any longer.
    """
    token: object = getattr(event, "token", None)
    return gallery.find(token if isinstance(token, str) else None)


def picked(event: gr.EventData) -> str:
    """What the button of a ``select`` event stands for."""
    return str(getattr(event, "pick", ""))
