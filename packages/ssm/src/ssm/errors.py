"""The errors that ssm raises on purpose: one tree, and when each is raised."""


class SsmError(ValueError):
    """Base of every error of this package; raised itself for wrong tensors and options."""


class EncoderError(SsmError):
    """An encoder's name is unknown, its files are wrong, or a text cannot be encoded."""


class EncoderUnavailableError(EncoderError):
    """An encoder exists but not here: a missing extra, a missing folder, a hub out of reach."""


class BankError(SsmError):
    """A bank on disk is missing, damaged, made by another encoder, or cannot be written."""


class UnknownTextError(SsmError):
    """A text was looked up that is not in the bank."""


def shorten(text: str, width: int = 60) -> str:
    """Quote a text for a message, cut in the middle of long ones so that both ends show."""
    if len(text) <= width:
        return repr(text)
    half = (width - 1) // 2
    return repr(f"{text[:half]}…{text[-half:]}")
