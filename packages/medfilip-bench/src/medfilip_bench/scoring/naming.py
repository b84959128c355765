"""What scoring is told beside the scores: the classes' names, and how intervals are drawn."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Resampling:
    """How intervals are drawn: replicates and seed."""

    replicates: int = 1000
    seed: int = 0


@dataclass(frozen=True)
class ClassName:
    """A class as a table names it: its id, its name, and the prompt the model was given."""

    id: str
    name: str
    text: str | None = None
