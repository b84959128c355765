"""What tab Image answers to each press: functions from a token to HTML."""

from medfilip_app.errors import UploadError
from medfilip_app.page.classes import bars, phrase_card, truth_card, why
from medfilip_app.page.desk import Desk
from medfilip_app.page.gallery import Opened
from medfilip_app.page.picture import figure

LONGEST = 300
"""Characters of a phrase; longer ones are refused."""


def first(desk: Desk, image: Opened, library: str) -> tuple[str, str, str, str]:
    """What is shown at once: the token, the image, its classes, what was drawn into a phantom."""
    shown = classes(desk, image.token, library)
    return image.token, figure(image), shown, truth_card(image.truth, desk.kb)


def classes(desk: Desk, token: str | None, library: str) -> str:
    """The classes of a library, the first of them pressed."""
    scores = desk.answers.classes(desk.gallery.find(token), library)
    return bars(scores, scores[0].category)


def top(desk: Desk, token: str | None, library: str) -> tuple[str, str]:
    """As `more`, of the first class: until another one is pressed."""
    scores = desk.answers.classes(desk.gallery.find(token), library)
    return more(desk, token, library, scores[0].category)


def more(desk: Desk, token: str | None, library: str, category: str) -> tuple[str, str]:
    """Where the image shows a category, and why."""
    image = desk.gallery.find(token)
    among = tuple(desk.kb.classes(library).values())
    if category not in among:
        raise UploadError("choose a class of the list")
    place = desk.answers.place(image, category, among)
    reasons = desk.answers.reasons(image, category)
    return figure(image, place, desk.kb[category].name), why(reasons, desk.kb)


def phrase(desk: Desk, token: str | None, text: str) -> str:
    """What a phrase scores on the image."""
    image = desk.gallery.find(token)
    if not text.strip():
        raise UploadError("type a phrase first")
    if len(text) > LONGEST:
        raise UploadError(f"the phrase is longer than {LONGEST} characters")
    return phrase_card(desk.answers.phrase(image, text))
