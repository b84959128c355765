"""One image → the bytes that a shard stores."""

import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from medfilip_model.builders.items import Item
from medfilip_model.builders.options import BuildOptions
from medfilip_model.builders.origins import Origin
from medfilip_model.data.decode import read_grey, square
from medfilip_model.errors import DataError


@dataclass(frozen=True)
class Encoded:
    """An image as it is stored, and the size that it had."""

    content: bytes
    width: int
    height: int


def encode_items(
    origin: Origin, options: BuildOptions, items: Sequence[Item]
) -> list[Encoded | str]:
    """Read, resize and encode images.

    Args:
        origin: Where they are.
        options: How they are stored.
        items: The images.

    Returns:
        The stored image, or why there is none, for each item in order.
    """
    return [_encode(origin, options, item) for item in items]


def encode_image(image: Image.Image, options: BuildOptions) -> bytes:
    """Encode a grey image as it is."""
    buffer = io.BytesIO()
    if options.encoding == "png":
        image.save(buffer, format="PNG", compress_level=3)
    else:
        image.save(buffer, format="JPEG", quality=options.quality)
    return buffer.getvalue()


def _encode(origin: Origin, options: BuildOptions, item: Item) -> Encoded | str:
    try:
        source = origin(item.place)
        if isinstance(source, np.ndarray):
            image = Image.fromarray(source)
            width, height = image.size
        else:
            image, (width, height) = read_grey(source, options.size)
    except (DataError, OSError) as error:
        return str(error)
    return Encoded(encode_image(square(image, options.size, options.fit), options), width, height)
