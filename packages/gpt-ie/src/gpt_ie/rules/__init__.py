"""The offline engine: dictionary surfaces, scopes and slots, without a model."""
