"""A dictionary of chest-radiograph findings: each category explained by its visual attributes."""

__all__: list[str] = []
