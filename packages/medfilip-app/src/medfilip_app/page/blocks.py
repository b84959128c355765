"""The page as Gradio blocks: the head, and a tab for each file."""

import gradio as gr

from medfilip_app.loaded import Loaded
from medfilip_app.page.check_tab import check_tab
from medfilip_app.page.desk import Desk, set_up
from medfilip_app.page.dictionary_tab import dictionary_tab
from medfilip_app.page.header import header
from medfilip_app.page.image_tab import image_tab
from medfilip_app.page.parts import written
from medfilip_app.page.report_tab import report_tab

TITLE = "MedFILIP"
# An hour after a person has gone, nothing of the session is left.
_FORGET = (3600, 3600)


def build(loaded: Loaded) -> gr.Blocks:
    """Build the page.

    Args:
        loaded: The run that answers.

    Returns:
        The page; `medfilip_app.page.server.application` serves it with its limits.
    """
    return lay_out(set_up(loaded))


def lay_out(desk: Desk) -> gr.Blocks:
    """As `build`, of what is set up."""
    with gr.Blocks(title=TITLE, analytics_enabled=False, delete_cache=_FORGET) as page:
        written("header", header(desk.loaded))
        with gr.Tabs():
            with gr.Tab("Image", id="image"):
                image_tab(desk)
            with gr.Tab("Report", id="report"):
                report_tab(desk)
            with gr.Tab("Check", id="check"):
                check_tab(desk)
            with gr.Tab("Dictionary", id="dictionary"):
                dictionary_tab(desk)
    # None of its listeners is queued.
    page.queue(api_open=False)
    return page
