"""Colours and type of the page: one accent, the system's own fonts."""

from gradio.themes.base import Base
from gradio.themes.utils import colors, sizes


def theme() -> Base:
    """The theme; it asks for no font of any other machine."""
    return Base(
        primary_hue=colors.teal,
        secondary_hue=colors.teal,
        neutral_hue=colors.slate,
        font=["system-ui", "sans-serif"],
        font_mono=["ui-monospace", "monospace"],
        radius_size=sizes.radius_md,
    ).set(
        button_primary_background_fill="*primary_700",
        button_primary_background_fill_hover="*primary_800",
        button_primary_background_fill_dark="*primary_700",
        button_primary_text_color="white",
        block_label_text_color="*neutral_700",
        block_title_text_weight="600",
    )
