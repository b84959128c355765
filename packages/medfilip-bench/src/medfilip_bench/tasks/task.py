"""What a task is, what it is given, and what it gives back."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from iki_knowledge import KnowledgeBase
from medfilip_model import TrainConfig
from medfilip_model.data.samples import SPLITS, Split
from medfilip_model.progress import Listener

from medfilip_bench.datasets.labelled import LabelledSet
from medfilip_bench.datasets.twin import PhantomPool
from medfilip_bench.features import Encoder
from medfilip_bench.models.base import Ability
from medfilip_bench.predictions import Predictions
from medfilip_bench.profiles import Profile
from medfilip_bench.results import DataInfo, Estimate, Family, Row
from medfilip_bench.scoring import Resampling
from medfilip_bench.series import Series


@dataclass(frozen=True)
class Bench:
    """What every task is given.

    Attributes:
        encoder: The model that is scored, which encodes an image once.
        random: The random model, for the baselines.
        references: Untrained and ImageNet-initialised encoders, which probes stand beside: spec ->
            encoder.
        kb: The dictionary.
        pool: The phantoms.
        resampling: Bootstrap settings.
        profile: What trained tasks spend.
        training: How the phantom run is trained; the ablation's rows derive from it.
        work: Folder for what a task keeps between runs of its own: runs of the ablation.
        pictures: Whether images of real data may stand in the record.
        workers: Processes that draw and threads that decode.
        listener: Hears of progress.
    """

    encoder: Encoder
    random: Encoder
    references: Mapping[str, Encoder]
    kb: KnowledgeBase
    pool: PhantomPool
    resampling: Resampling
    profile: Profile
    training: TrainConfig
    work: Path
    pictures: bool
    workers: int
    listener: Listener


@dataclass(frozen=True)
class Outcome:
    """What a task measured; `RunRecord` names the fields.

    Attributes:
        data: What was judged.
        metrics: The headline figures.
        rows: The table.
        series: What the figures draw.
        notes: What a reader must know.
        predictions: Scores of single images, for paired comparisons.
    """

    data: DataInfo
    metrics: dict[str, Estimate]
    rows: tuple[Row, ...]
    series: Series = field(default_factory=Series)
    notes: tuple[str, ...] = ()
    predictions: Predictions | None = None


@dataclass(frozen=True)
class Task:
    """A question, asked of one data set or of its phantom twin.

    Attributes:
        family: What kind of question it is; with the data set's id it names the results.
        dataset: Id of the data set's card.
        title: What a reader is shown.
        about: What is asked of the model.
        needs: What the model must be able to do.
        run: Measures.
        splits: Splits that it reads.
        masks: Whether it reads masks.
        spends: Whether the profile decides its figures.
        real: Whether the data set exists outside the phantoms.
        twin: Whether it has a phantom twin.
        version: Raised when the same inputs give other figures.
    """

    family: Family
    dataset: str
    title: str
    about: str
    needs: Ability
    run: Callable[[Bench, LabelledSet], Outcome]
    splits: tuple[Split, ...] = SPLITS
    masks: bool = False
    spends: bool = False
    real: bool = True
    twin: bool = True
    version: int = 1

    @property
    def name(self) -> str:
        """Family and data set: ``zero_shot-rsna``; of the twin with ``-phantom`` behind."""
        return f"{self.family}-{self.dataset}"
