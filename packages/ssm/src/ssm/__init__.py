"""The semantic similarity matrix: soft targets for image-text training from text similarity."""

__all__: list[str] = []
