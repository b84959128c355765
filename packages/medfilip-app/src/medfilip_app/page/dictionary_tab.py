"""Tab Dictionary: what the categories mean, and how look-alikes are told apart."""

import gradio as gr

from medfilip_app.page.desk import Desk
from medfilip_app.page.entries import compared, entry_card, index, look_alike_buttons, look_alikes
from medfilip_app.page.parts import PRIVATE, panel, picked, written

_FIRST = "pleural_effusion"


def dictionary_tab(desk: Desk) -> None:
    """Lay the tab out; call it inside a `gr.Tab`."""
    kb, start = desk.kb, _FIRST if _FIRST in desk.kb else next(iter(desk.kb))
    current = gr.State(start)
    entry, buttons, beside = _shown(desk, start)
    with gr.Row(elem_classes="mf-columns"):
        with gr.Column(scale=3, min_width=240):
            listed = panel("dictionary-index", index(kb))
        with gr.Column(scale=7, min_width=280):
            card = written("dictionary-entry", entry)
            alike = panel("dictionary-alike", buttons)
            both = written("dictionary-both", beside)

    def show(event: gr.EventData) -> tuple[str, str, str, str]:
        category = picked(event)
        category = category if category in kb else start
        return category, *_shown(desk, category)

    def compare(category: str, event: gr.EventData) -> str:
        other = picked(event)
        return compared(kb, category, other) if other in kb else ""

    listed.select(show, None, [current, card, alike, both], **PRIVATE)
    alike.select(compare, current, both, **PRIVATE)


def _shown(desk: Desk, category: str) -> tuple[str, str, str]:
    """An entry, its look-alikes, and the first of them beside it."""
    first = next(iter(look_alikes(desk.kb, category)), None)
    beside = "" if first is None else compared(desk.kb, category, first)
    return entry_card(desk.kb, category), look_alike_buttons(desk.kb, category, first), beside
