"""Tab Report: the findings of a report, in place."""

from collections.abc import Callable

import gradio as gr

from medfilip_app.page.desk import Desk
from medfilip_app.page.findings import read_report
from medfilip_app.page.parts import MAX_TEXT, PRIVATE, said, told, written

EXAMPLES = {
    "Effusion": (
        "FINDINGS: There is a moderate left pleural effusion with adjacent basilar atelectasis. "
        "The right lung is clear. No pneumothorax. The heart is mildly enlarged.\n\n"
        "IMPRESSION: Moderate left effusion; a pneumonia at the left base cannot be excluded."
    ),
    "Normal": (
        "FINDINGS: The lungs are clear without focal consolidation. No pleural effusion or "
        "pneumothorax. The cardiac silhouette is normal in size.\n\n"
        "IMPRESSION: No acute cardiopulmonary process."
    ),
    "After surgery": (
        "FINDINGS: Endotracheal tube in place. Small right apical pneumothorax, unchanged. "
        "Worsening bibasilar opacities. Healed left rib fracture. Median sternotomy wires.\n\n"
        "IMPRESSION: Stable small right pneumothorax; worsening edema or pneumonia."
    ),
}
"""Reports written by hand, of nobody."""


def report_tab(desk: Desk) -> None:
    """Lay the tab out; call it inside a `gr.Tab`."""
    with gr.Row(elem_classes="mf-columns"):
        with gr.Column(scale=5, min_width=280):
            text = gr.Textbox(
                label="Report",
                lines=10,
                max_lines=24,
                placeholder="Paste a report, or take an example.",
                elem_id="report-text",
                max_length=MAX_TEXT,
            )
            read = gr.Button("Find the findings", variant="primary", elem_id="report-read")
            with gr.Row(equal_height=True):
                examples = [
                    (gr.Button(f"Example: {name}", size="sm", min_width=100), words)
                    for name, words in EXAMPLES.items()
                ]
                phantom = gr.Button(
                    "A phantom's report", size="sm", min_width=100, elem_id="report-phantom"
                )
        with gr.Column(scale=6, min_width=280):
            shown = written("report-shown", said("The findings will stand here."))

    def show(words: str) -> str:
        return told(
            lambda: read_report(words, desk.engine.extract(desk.report(words)), desk.kb), str
        )

    def take_phantom() -> tuple[str, str]:
        words = desk.gallery.open_phantom().report or ""
        return words, show(words)

    read.click(show, text, shown, **PRIVATE)
    phantom.click(take_phantom, None, [text, shown], **PRIVATE)
    for button, words in examples:
        button.click(_constant(words), None, text, **PRIVATE).then(show, text, shown, **PRIVATE)


def _constant(words: str) -> Callable[[], str]:
    return lambda: words
