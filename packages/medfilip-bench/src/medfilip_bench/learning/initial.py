"""The encoders that a training begins with: the model's, its random twin, the references'."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from medfilip_bench.errors import NotApplicableError
from medfilip_bench.models.backbones import reinitialised
from medfilip_bench.models.base import Backbone, LoadedModel

RANDOM = "the same encoder, random"


@dataclass(frozen=True)
class Initial:
    """An encoder to begin with.

    Attributes:
        name: As tables name it.
        key: What decides its weights; keys what is kept.
        make: Seed -> a fresh copy; only random weights depend on the seed.
    """

    name: str
    key: str
    make: Callable[[int], Backbone]


def initials(model: LoadedModel, references: Iterable[LoadedModel] = ()) -> tuple[Initial, ...]:
    """Return the model's encoder, the same with random weights, and those of references.

    Args:
        model: The model that is scored.
        references: Others to stand beside it; one without a trainable encoder is left out.

    Raises:
        NotApplicableError: If the model has no trainable encoder.
    """
    make = model.backbone
    if make is None:
        raise NotApplicableError(f"the model {model.spec!r} has no encoder that can be trained")
    return (
        Initial(model.name, model.sha256, lambda _: make()),
        Initial(RANDOM, f"random twin of {model.sha256}", lambda seed: reinitialised(make(), seed)),
        *(
            Initial(other.name, other.sha256, _plain(other.backbone))
            for other in references
            if other.backbone is not None
        ),
    )


def _plain(make: Callable[[], Backbone]) -> Callable[[int], Backbone]:
    return lambda _: make()
