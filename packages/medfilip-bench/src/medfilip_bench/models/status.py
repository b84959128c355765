"""The baselines of the paper, and what stands behind each of their figures here.

Data for the report's table: which adapter reads which released files, and whether the release has
been run here, only its layout been tested, or only its published figures are shown.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

Status = Literal["run here", "adapter tested on a random checkpoint only", "published only"]
_TESTED: Status = "adapter tested on a random checkpoint only"


@dataclass(frozen=True)
class Baseline:
    """A model of the paper's tables.

    Attributes:
        name: As the paper writes it.
        specs: How its adapters are named; ``FILE`` and ``FOLDER`` stand for the released files.
        files: The released files that they read.
        status: What was done with it here.
        note: What the adapter leaves out or does in another way; empty where nothing.
    """

    name: str
    specs: tuple[str, ...]
    files: str
    status: Status
    note: str = ""


BASELINES: tuple[Baseline, ...] = (
    Baseline(
        "CLIP",
        ("open_clip:ViT-B-32/openai", "hf:FOLDER"),
        "any weights of open_clip or transformers",
        _TESTED,
    ),
    Baseline(
        "ConVIRT",
        ("run:PATH",),
        "none were released: our own recipe 'convirt' trains it",
        "run here",
        "trained on phantoms, with whole reports as texts",
    ),
    Baseline(
        "GLoRIA",
        ("gloria:FILE,text=FOLDER",),
        "chexpert_resnet50.ckpt; Bio_ClinicalBERT's config.json and vocab.txt",
        _TESTED,
        "the global similarity alone",
    ),
    Baseline(
        "MedCLIP",
        ("medclip:FILE,text=FOLDER",),
        "pytorch_model.bin of medclip-vit or medclip-resnet; Bio_ClinicalBERT's config.json and "
        "vocab.txt",
        _TESTED,
        "texts are averaged without what fills up a batch",
    ),
    Baseline(
        "MedKLIP",
        ("medklip:FILE,text=FOLDER,book=FILE",),
        "the checkpoint; Bio_ClinicalBERT's config.json, vocab.txt and weights; its list of "
        "entities",
        _TESTED,
        "asked for texts of this benchmark in place of its own entities",
    ),
    Baseline(
        "BioViL",
        ("biovil:FILE,text=FOLDER",),
        "biovil_image_resnet50_proj_size_128.pt; BiomedVLP-CXR-BERT-specialized",
        _TESTED,
    ),
    Baseline(
        "CheXzero",
        ("chexzero:FILE",),
        "one best_*.pt of the ensemble",
        _TESTED,
        "one checkpoint, and no contrast with 'no {category}'",
    ),
    Baseline(
        "BiomedCLIP",
        ("biomedclip:FOLDER", "open_clip:hf-hub:OWNER/NAME"),
        "the hub's folder; PubMedBERT's config.json",
        _TESTED,
    ),
    Baseline("MAVL", (), "none is read", "published only"),
    Baseline(
        "ResNet50, random and ImageNet",
        ("timm:resnet50@random", "timm:resnet50", "timm:resnet50@FILE"),
        "timm's weights",
        "run here",
        "random here; with ImageNet's weights where they can be had",
    ),
    Baseline(
        "ConvNeXt, random and ImageNet",
        ("timm:convnext_tiny@random", "timm:convnext_tiny", "timm:convnext_tiny@FILE"),
        "timm's weights",
        "run here",
        "random here; with ImageNet's weights where they can be had",
    ),
)


def statuses(measured: Iterable[str]) -> tuple[Baseline, ...]:
    """Return the table, with what a set of results adds to it.

    Args:
        measured: The specs of the models that the results are of: ``medclip:/models/x.bin``. A
            released model among them was run.
    """
    kinds = {spec.partition(":")[0] for spec in measured}
    return tuple(
        replace(line, status="run here")
        if line.specs and line.specs[0].partition(":")[0] in kinds
        else line
        for line in BASELINES
    )
