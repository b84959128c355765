"""What is trained on top of a model: linear heads, whole encoders, and decoders of masks."""
