"""What tab Check answers to each press: functions from a token to HTML."""

from dataclasses import dataclass

from medfilip_app.errors import UploadError
from medfilip_app.page.desk import Desk
from medfilip_app.page.gallery import Opened
from medfilip_app.page.mistakes import mistaken
from medfilip_app.page.picture import figure
from medfilip_app.page.verdicts import checked


@dataclass(frozen=True)
class Verdicts:
    """What stands on the tab after a check.

    Attributes:
        html: The report with the verdicts.
        categories: What it is about: the maps of these share a scale.
    """

    html: str
    categories: tuple[str, ...]


def judge(desk: Desk, token: str | None, text: str) -> Verdicts:
    """Judge a report by an image."""
    image, report = desk.gallery.find(token), desk.report(text)
    found = desk.checker(desk.loaded, image.pixels, report)
    named = [one.finding.category for one in found.statements]
    named += [one.category for one in found.omissions]
    return Verdicts(checked(text, found, desk.kb), tuple(dict.fromkeys(named)))


def where(desk: Desk, token: str | None, category: str, among: tuple[str, ...]) -> str:
    """The image with the place of a statement or omission."""
    image = desk.gallery.find(token)
    if category not in among:
        raise UploadError("check the report first")
    return figure(image, desk.answers.place(image, category, among), desk.kb[category].name)


def with_mistake(desk: Desk, token: str | None) -> tuple[Opened, str, str]:
    """The phantom that is open, else a new one; its report with a mistake; what the mistake is."""
    image = desk.gallery.get(token)
    if image is None or image.report is None:
        image = desk.gallery.open_phantom()
    return image, *mistaken(image.report or "")
