"""What medfilip-app raises on purpose."""


class AppError(Exception):
    """Base of every error that medfilip-app raises on purpose."""


class UploadError(AppError):
    """A file that a person gave cannot be used; the message is for that person."""
