"""The web page: look at an image, read a report, check one against the other, browse."""

from medfilip_app.page.blocks import build
from medfilip_app.page.server import serve

__all__ = ["build", "serve"]
