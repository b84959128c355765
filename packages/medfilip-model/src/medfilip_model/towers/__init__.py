"""Image and text towers: the only package that imports a library's models."""

from medfilip_model.towers.image import ImageTower, image_tower
from medfilip_model.towers.text import text_tower
from medfilip_model.towers.text_norm import settled
from medfilip_model.towers.tokens import Tokenizer, tokenizer, trim

__all__ = ["ImageTower", "Tokenizer", "image_tower", "settled", "text_tower", "tokenizer", "trim"]
