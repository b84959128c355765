"""Tab Image: what a model sees in an image, why, and where."""

from collections.abc import Callable

import gradio as gr

from medfilip_app.page import image_views as views
from medfilip_app.page.desk import LIBRARY, Desk
from medfilip_app.page.gallery import Opened
from medfilip_app.page.parts import PRIVATE, panel, picked, picker, said, taken, told, written
from medfilip_app.page.picture import EMPTY

_Shown = tuple[str | None, str, str, str, str, str]
_Details = tuple[object, str]


def image_tab(desk: Desk) -> None:
    """Lay the tab out; call it inside a `gr.Tab`."""
    libraries = [(name.replace("_", " "), name) for name in desk.kb.crosswalks]
    with gr.Row(elem_classes="mf-columns"):
        with gr.Column(scale=5, min_width=280):
            pick = picker("image")
            shown = panel("image-figure", EMPTY)
            truth = written("image-truth")
        with gr.Column(scale=6, min_width=280):
            library = gr.Dropdown(
                libraries, value=LIBRARY, label="Classes of", elem_id="image-library"
            )
            classes = panel("image-classes", said("Open an image, or show a phantom."))
            reasons = written("image-why")
            text = gr.Textbox(
                label="Any phrase, scored on this image",
                placeholder="e.g. fluid at the left base",
                elem_id="image-phrase",
                max_length=views.LONGEST,
                submit_btn="Score",
            )
            scored = written("image-scored")

    def open_file(name: str, event: gr.EventData) -> _Shown:
        return _first(desk, name, lambda: taken(desk.gallery, event))

    def open_phantom(name: str) -> _Shown:
        return _first(desk, name, desk.gallery.open_phantom)

    def choose_library(token: str | None, name: str) -> str:
        return told(lambda: views.classes(desk, token, name), str)

    def more_of_top(token: str | None, name: str) -> _Details:
        # What went wrong before stands on the page already.
        return (gr.skip(), "") if token is None else _more(lambda: views.top(desk, token, name))

    def more(token: str | None, name: str, event: gr.EventData) -> _Details:
        return _more(lambda: views.more(desk, token, name, picked(event)))

    def score(token: str | None, words: str) -> str:
        return told(lambda: views.phrase(desk, token, words), str)

    opened = [pick.token, shown, classes, truth, reasons, scored]
    details = [shown, reasons]
    for event in (
        pick.box.upload(open_file, library, opened, **PRIVATE),
        pick.phantom.click(open_phantom, library, opened, **PRIVATE),
        library.input(choose_library, [pick.token, library], classes, **PRIVATE),
    ):
        event.then(more_of_top, [pick.token, library], details, **PRIVATE)
    classes.select(more, [pick.token, library], details, **PRIVATE)
    text.submit(score, [pick.token, text], scored, **PRIVATE)


def _first(desk: Desk, library: str, take: Callable[[], Opened]) -> _Shown:
    """What stands on the tab as soon as an image is open; the reasons follow."""
    return told(
        lambda: (*views.first(desk, take(), library), "", ""),
        lambda error: (None, EMPTY, error, "", "", ""),
    )


def _more(answer: Callable[[], tuple[str, str]]) -> _Details:
    return told(answer, lambda error: (gr.skip(), error))
