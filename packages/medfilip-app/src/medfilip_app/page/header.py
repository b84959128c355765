"""What stands above every tab: who answers, from what, and what it must not be used for. Pure."""

from html import escape

from medfilip_app.loaded import Loaded


def header(loaded: Loaded) -> str:
    """The page's head.

    Args:
        loaded: The run that answers.
    """
    phantom = (
        "<p>It has seen phantoms alone, images drawn by a program: it says nothing about patients. "
        "Every result on this page is a phantom result.</p>"
        if loaded.phantom
        else ""
    )
    scale = "" if loaded.calibration is not None else " · without calibration"
    return (
        '<header class="mf-header"><div><h1>MedFILIP</h1>'
        "<p>Chest radiographs, their reports, and what the two say of each other</p></div>"
        '<p class="mf-badge"><b>Not for clinical use</b></p></header>'
        '<div class="mf-about"><p><span>Answers: <b>'
        f"{escape(loaded.name)}</b>{scale}</span> <span>Trained on: <b>"
        f"{escape(loaded.trained_on)}</b></span> <span>Dictionary: <b>"
        f"{escape(loaded.kb.version)}</b></span></p>{phantom}</div>"
    )
