"""What readers are shown for the short names of metrics, data sets, families and shares."""

from collections.abc import Mapping

from medfilip_bench.protocols import PROTOCOLS
from medfilip_bench.results import Family, RunRecord

METRICS: Mapping[str, str] = {
    "auc": "AUC",
    "ap": "AP",
    "f1": "F1",
    "acc": "ACC",
    "mcc": "MCC",
    "ece": "ECE",
    "brier": "Brier",
    "macro_f1": "macro F1",
    "micro_f1": "micro F1",
    "mrr": "MRR",
    "p": "P",
    "auc_gain": "AUC gain",
    "auc_against_rest": "AUC against the rest",
    "auc_own": "own AUC",
    "auc_best": "AUC of the best wording",
    "auc_worst": "AUC of the worst wording",
    "auc_range": "AUC between them",
    "dice": "Dice",
    "dice_positive": "Dice, positives",
    "dice_negative": "Dice, negatives",
    "dice_pooled": "Dice, pooled",
    "dice_gain": "Dice gain over random",
    "iou": "IoU",
    "box_iou": "box IoU",
    "pointing": "pointing game",
}
# The names of the paper's columns; any other data set is shown by the name it has in its record.
DATASETS: Mapping[str, str] = {
    "mimic_16": "MIMIC-16",
    "rsna": "RSNA-Pneumonia",
    "mimic_multi": "MIMIC-multi",
    "chestxray14": "ChestX-ray14",
    "vinbigdata": "VinBigData",
    "mimic_fg": "MIMIC-FG",
    "siim": "SIIM-ACR",
    "chexpert": "CheXpert-5",
    "six_entities": "six entities",
    "covid_radiography": "COVID-19 Radiography",
    "covid_qu_ex": "COVID-QU-Ex",
    "kermany": "Kermany",
}
FAMILIES: Mapping[Family, str] = {
    "zero_shot": "Zero-shot classification",
    "unseen": "Unseen disease",
    "probe": "Linear probe",
    "fine_tune": "Fine-tuning",
    "segmentation": "Segmentation",
    "retrieval": "Retrieval",
    "grounding": "Grounding",
    "ablation": "Ablation",
    "case_study": "Case study",
    "prompts": "Prompt sensitivity",
    "subgroups": "Subgroups",
    "extraction": "Extraction from reports",
    "report_consistency": "Reports against images",
}
TRAINED: frozenset[Family] = frozenset({"probe", "fine_tune", "segmentation", "ablation"})


def dataset_id(record: RunRecord) -> str:
    """Return the data set's id, as the task's name holds it."""
    rest = record.task.partition("-")[2]
    return rest.removesuffix("-phantom") if record.phantom else rest


def dataset_words(dataset: str) -> str:
    """Return a data set's name as a column is headed."""
    return DATASETS.get(dataset, dataset)


def share_words(share: float) -> str:
    """Return a share of the labels as a percentage: ``1 %``."""
    return f"{share * 100:g} %"


def split_metric(metric: str) -> tuple[str, str]:
    """Split a metric from its protocol: ``f1@paper`` -> F1's name and ``paper``; else no protocol.

    A cut-off stays with the metric: ``recall@3``.
    """
    base, _, suffix = metric.partition("@")
    return (base, suffix) if suffix in PROTOCOLS else (metric, "")


def metric_words(metric: str) -> str:
    """Return a metric's heading: ``f1@paper`` becomes F1 under its group, ``p@3`` becomes P@3.

    A hit at a fraction is one of a box.
    """
    base, _ = split_metric(metric)
    name, at, cut = base.partition("@")
    if name == "hit" and cut.startswith("0."):
        return f"IoU ≥ {cut}"
    return f"{METRICS.get(name, name.replace('_', ' '))}{at}{cut}"


def full_words(metric: str) -> str:
    """Return a metric with all that qualifies it: ``auc:severity``, ``f1@paper``."""
    base, protocol = split_metric(metric)
    name, _, of = base.partition(":")
    words = metric_words(name) + (f" of {of.replace('_', ' ')}" if of else "")
    return f"{words}, {protocol} threshold" if protocol else words
