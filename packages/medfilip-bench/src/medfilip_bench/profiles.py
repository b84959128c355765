"""How much is spent: the quick profile for two cores, the full one for a table in a paper."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

ProfileName = Literal["quick", "full"]
Count = Annotated[int, Field(ge=1)]


class Profile(BaseModel):
    """What trained tasks spend; everything else is the same in both.

    Attributes:
        name: Its name, printed with every result that it decides.
        seeds: Seeds of everything that is trained.
        fractions: Shares of the training labels.
        probe_train: Phantoms that probes may train on.
        fine_tune_steps: Optimiser steps of a fine-tuning, at every share of labels.
        fine_tune_sets: Ids of the data sets that are fine-tuned on; empty: all.
        fine_tune_references: Whether the references are fine-tuned too, or the model and its random
            twin alone.
        segmentation_steps: Optimiser steps of a segmentation.
        ablation_train: Phantoms that each row of the ablation trains on.
        ablation_epochs: Passes over them.
        grounding_cases: Images that heatmaps are drawn for.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: ProfileName
    seeds: tuple[int, ...]
    fractions: tuple[float, ...] = (0.01, 0.1, 1.0)
    probe_train: Count = 1000
    fine_tune_steps: Count
    fine_tune_sets: tuple[str, ...] = ()
    fine_tune_references: bool = True
    segmentation_steps: Count
    ablation_train: Count
    ablation_epochs: Count
    grounding_cases: Count

    @property
    def words(self) -> str:
        """What a table says of it."""
        if self.name == "full":
            return f"Full profile, {len(self.seeds)} seeds"
        return f"Quick profile: {len(self.seeds)} seed, short schedules"


PROFILES: Mapping[ProfileName, Profile] = {
    "quick": Profile(
        name="quick",
        seeds=(0,),
        fine_tune_steps=24,
        fine_tune_sets=("rsna",),
        fine_tune_references=False,
        segmentation_steps=48,
        ablation_train=1000,
        ablation_epochs=3,
        grounding_cases=100,
    ),
    "full": Profile(
        name="full",
        seeds=(0, 1, 2),
        fine_tune_steps=400,
        segmentation_steps=800,
        ablation_train=5000,
        ablation_epochs=9,
        grounding_cases=400,
    ),
}
