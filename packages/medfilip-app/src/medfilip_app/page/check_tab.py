"""Tab Check: a report against an image."""

import gradio as gr

from medfilip_app.page import check_views as views
from medfilip_app.page.desk import Desk
from medfilip_app.page.parts import (
    MAX_TEXT,
    PRIVATE,
    panel,
    picked,
    picker,
    said,
    taken,
    told,
    written,
)
from medfilip_app.page.picture import EMPTY, figure

_ASK = "Open an image and paste its report, or take a phantom with its own."
_DRAWN = "The report is written by the program that drew the image."


def check_tab(desk: Desk) -> None:
    """Lay the tab out; call it inside a `gr.Tab`."""
    among = gr.State(())
    with gr.Row(elem_classes="mf-columns"):
        with gr.Column(scale=5, min_width=280):
            pick = picker("check", "Phantom with its report")
            wrong = gr.Button("The same report with a mistake in it", elem_id="check-mistake")
            shown = panel("check-figure", EMPTY)
        with gr.Column(scale=6, min_width=280):
            text = gr.Textbox(
                label="Report", lines=6, max_lines=16, elem_id="check-text", max_length=MAX_TEXT
            )
            run = gr.Button("Check the report", variant="primary", elem_id="check-run")
            notice = written("check-notice", said(_ASK))
            verdicts = panel("check-verdicts")

    def open_file(event: gr.EventData) -> tuple[str | None, str, str, str]:
        def answer() -> tuple[str | None, str, str, str]:
            image = taken(desk.gallery, event)
            return image.token, figure(image), said("Now its report."), ""

        return told(answer, lambda error: (None, EMPTY, error, ""))

    def open_phantom() -> tuple[str, str, str, str, str]:
        image = desk.gallery.open_phantom()
        return image.token, figure(image), image.report or "", said(_DRAWN), ""

    def mistake(token: str | None) -> tuple[str, object, str, str, str]:
        image, words, what = views.with_mistake(desk, token)
        # The image stays as it is, heatmap included, where it is the one on the page.
        picture = gr.skip() if image.token == token else figure(image)
        return image.token, picture, words, said(f"The mistake: {what}."), ""

    def check(token: str | None, words: str) -> tuple[object, str, tuple[str, ...]]:
        def answer() -> tuple[object, str, tuple[str, ...]]:
            found = views.judge(desk, token, words)
            return gr.skip(), found.html, found.categories

        return told(answer, lambda error: (error, "", ()))

    def where(
        token: str | None, named: tuple[str, ...], event: gr.EventData
    ) -> tuple[object, object]:
        return told(
            lambda: (views.where(desk, token, picked(event), tuple(named)), gr.skip()),
            lambda error: (gr.skip(), error),
        )

    opened = [pick.token, shown, text, notice, verdicts]
    pick.box.upload(open_file, None, [pick.token, shown, notice, verdicts], **PRIVATE)
    for event in (
        pick.phantom.click(open_phantom, None, opened, **PRIVATE),
        wrong.click(mistake, pick.token, opened, **PRIVATE),
        run.click(lambda: "", None, notice, **PRIVATE),
    ):
        event.then(check, [pick.token, text], [notice, verdicts, among], **PRIVATE)
    verdicts.select(where, [pick.token, among], [shown, notice], **PRIVATE)
