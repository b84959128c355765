"""What to measure, and how much to spend on it."""

from pathlib import Path
from typing import Annotated, Literal

from medfilip_model import TrainConfig, recipes
from pydantic import BaseModel, ConfigDict, Field

from medfilip_bench.profiles import ProfileName

Judge = Literal["test", "all"]
# Encoders that know no radiograph: what a probe and a fine-tuning have to beat.
REFERENCES = (
    "timm:resnet50@random",
    "timm:convnext_tiny@random",
    "timm:resnet50",
    "timm:convnext_tiny",
)


class BenchConfig(BaseModel):
    """What to measure.

    Attributes:
        model: As `medfilip_bench.models.load` takes it; None takes the phantom run and trains it
            when missing.
        data: A data root: a data set's folder, or a folder of such folders.
        phantoms: Whether the phantom twins are run.
        tasks: Names or patterns of tasks; empty: all that have data.
        split: Which images of real data are judged: the test split, or all but the validation
            split, where the model was trained on none of them and the task fits nothing.
        limit: At most so many images of each split of a real data set, whole patients drawn by
            seed; None: all.
        profile: How much trained tasks spend.
        references: Encoders that probes and fine-tuning stand beside.
        out: Results folder.
        work: Folder of the runs that tasks train.
        n: Images of the largest phantom test set.
        seed: Seed of phantoms, bootstrap and baselines.
        replicates: Bootstrap replicates.
        resume: Whether results whose inputs are unchanged are kept; else all are measured again.
        pictures: Whether real images may stand in the report. Leave it off for credentialed data.
        device: Where the model runs; None: a CUDA device where there is one.
        workers: Processes that draw and decode images. They are spawned: with more than one, a
            script needs ``if __name__ == "__main__":``.
        training: How the phantom run is trained, and where, when there is none.
        command: What the record says was called.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str | None = None
    data: Path | None = None
    phantoms: bool = True
    tasks: tuple[str, ...] = ()
    split: Judge = "test"
    limit: Annotated[int, Field(ge=1)] | None = None
    profile: ProfileName = "quick"
    references: tuple[str, ...] = REFERENCES
    out: Path = Path("results")
    work: Path = Path("runs")
    n: Annotated[int, Field(ge=20)] = 1000
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 0
    replicates: Annotated[int, Field(ge=2)] = 1000
    resume: bool = True
    pictures: bool = False
    device: str | None = None
    workers: Annotated[int, Field(ge=1)] = 1
    training: TrainConfig = Field(default_factory=recipes.phantom)
    command: str = "medfilip_bench.run_all"
