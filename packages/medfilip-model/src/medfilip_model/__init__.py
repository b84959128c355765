"""Fine-grained image-text pre-training on chest radiographs with soft targets."""

__all__: list[str] = []
