"""An image with a heatmap over it, whose strength a slider changes without asking the server."""

import base64
import io
from html import escape

import numpy as np
import torch
from jaxtyping import UInt8
from medfilip_model.grounding import upsample
from medfilip_model.heatmap import Kind
from medfilip_model.overlay import coloured
from PIL import Image

from medfilip_app.page.answers import Place
from medfilip_app.page.gallery import Opened

_QUALITY = 88
_MEANS: dict[Kind, str] = {
    "attention": "where the model looked, as a multiple of looking everywhere alike",
    "similarity": "how much more the place resembles the finding than an image without findings",
    "occlusion": "how much less the image resembles the finding when the place is hidden",
}
EMPTY = (
    '<figure class="mf-figure"><div class="mf-stack mf-empty"><p>No image is open.</p></div>'
    "</figure>"
)
"""What stands where an image will be."""


def figure(image: Opened, place: Place | None = None, of: str = "") -> str:
    """An image, and over it where it shows something.

    Args:
        image: The image.
        place: The map; None: the image alone.
        of: What the map is of, in words.

    Returns:
        HTML.
    """
    about = f"{escape(image.name)}: {escape(image.about)}"
    layers = f'<img src="{_address(image.shown)}" alt="Chest radiograph, {escape(image.name)}">'
    below = ""
    if place is not None:
        top = max(place.top, place.floor + 1e-6)
        values = upsample(torch.from_numpy(place.values), image.shown.shape[0]).numpy()
        heat = coloured(image.shown, values, floor=place.floor, top=top)
        layers += f'<img class="mf-heat" src="{_address(heat)}" alt="">'
        below = _below(place, of, top)
    return (
        f'<figure class="mf-figure"><div class="mf-stack">{layers}</div>'
        f"{below}<figcaption>{about}</figcaption></figure>"
    )


def _below(place: Place, of: str, top: float) -> str:
    """The slider, and what the colours mean."""
    shown = place.values.max() > place.floor
    said = f"Heatmap of {of}" if shown else f"No place speaks for {of}"
    return (
        f'<label class="mf-slider"><span>{escape(said)}</span>'
        '<input type="range" class="mf-opacity" min="0" max="100" step="5" value="70" '
        'aria-label="Strength of the heatmap, in percent"></label>'
        f'<p class="mf-scale"><span>{place.floor:.2f}</span><i></i><span>{top:.2f}</span></p>'
        f'<p class="mf-note">Colour: {_MEANS[place.kind]}.</p>'
    )


def _address(pixels: UInt8[np.ndarray, "H W"] | UInt8[np.ndarray, "H W 3"]) -> str:
    """The picture as an address that holds it."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, format="JPEG", quality=_QUALITY)
    return f"data:image/jpeg;base64,{base64.b64encode(file.getvalue()).decode()}"
