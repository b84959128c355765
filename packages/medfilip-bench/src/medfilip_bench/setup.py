"""Model, phantoms and data at hand: what all tasks are given."""

from collections.abc import Mapping
from pathlib import Path

from iki_knowledge import load_knowledge
from medfilip_model.data.pixels import cache_root
from medfilip_model.progress import Listener

from medfilip_bench.config import BenchConfig
from medfilip_bench.datasets import find
from medfilip_bench.datasets.twin import PhantomPool
from medfilip_bench.distributed import device as own_device
from medfilip_bench.errors import BenchError, DataError
from medfilip_bench.features import Encoder
from medfilip_bench.models.base import LoadedModel
from medfilip_bench.models.registry import load
from medfilip_bench.plan import Found
from medfilip_bench.pretrained import is_complete, train_on_reports
from medfilip_bench.profiles import PROFILES
from medfilip_bench.scoring import Resampling
from medfilip_bench.tasks import Bench


def find_data(root: Path | None) -> list[Found]:
    """Return the data sets under a root.

    Args:
        root: A data set's folder, or a folder of such folders; None: none.

    Raises:
        DataError: If the root is missing or holds no data set that is known.
    """
    if root is None:
        return []
    if not root.is_dir():
        raise DataError(f"no folder {str(root)!r}; --data names a data set or a folder of them")
    found = [Found(reader, folder) for reader, folder in find(root)]
    if not found:
        raise DataError(
            f"no known data set in {str(root)!r}; `medfilip-bench data check {root}` says what is "
            "expected where"
        )
    return found


def prepare(config: BenchConfig, listener: Listener) -> Bench:
    """Load the model (training it first, when it is the default and missing) and the rest.

    Args:
        config: What to measure.
        listener: Hears of progress.

    Raises:
        BenchError, MedfilipError, IkiError: If the model cannot be had.
    """
    kb = load_knowledge()
    device = config.device or own_device()
    loaded = _load(config, device)
    if loaded is None:
        training = config.training.replace(data__workers=config.workers)
        loaded = load(f"run:{train_on_reports(training, kb, config.out, listener)}", device=device)
    cache = cache_root() / "features"
    profile = PROFILES[config.profile]
    return Bench(
        encoder=Encoder(loaded, cache, listener),
        random=Encoder(load("random"), cache),
        references=_references(config, loaded.size, device, cache, listener),
        kb=kb,
        pool=PhantomPool(
            n=config.n,
            seed=config.seed,
            size=loaded.size,
            train=profile.probe_train,
            workers=config.workers,
            listener=listener,
        ),
        resampling=Resampling(config.replicates, config.seed),
        profile=profile,
        training=config.training,
        work=config.work,
        pictures=config.pictures,
        workers=config.workers,
        listener=listener,
    )


def _load(config: BenchConfig, device: str) -> LoadedModel | None:
    """Load the model that was named, or the phantom run if it is complete."""
    if config.model is not None:
        return load(config.model, device=device)
    if is_complete(config.training.out):
        return load(f"run:{config.training.out}", device=device)
    return None


def _references(
    config: BenchConfig, size: int, device: str, cache: Path, listener: Listener
) -> Mapping[str, Encoder]:
    """Load the encoders that probes stand beside; one that is not to be had is named."""
    found: dict[str, Encoder] = {}
    for spec in config.references:
        try:
            # Of the same pixels as the model, not scaled up to what their weights once saw.
            sized = f"{spec},size={size}" if spec.startswith("timm:") else spec
            found[spec] = Encoder(load(sized, device=device), cache, listener)
        except BenchError as error:
            listener.note(f"reference {spec} is left out: {error}")
    return found
