"""Measures chest-radiograph vision-language models as the paper does, and honestly."""

__all__: list[str] = []
