"""The errors that this package raises on purpose; anything else is a bug."""


class MedfilipError(Exception):
    """Base of every error that medfilip-model raises on purpose."""


class ConfigError(MedfilipError):
    """A configuration that cannot be run: an unknown name, a value out of range."""


class DataError(MedfilipError):
    """Images, a manifest or a findings file that cannot be used as they are."""


class CheckpointError(MedfilipError):
    """A checkpoint that is missing, incomplete, damaged or of another kind."""
