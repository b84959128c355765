"""The paper's Tables 1–6 and the other overviews: models beside baselines beside published."""

from collections.abc import Callable, Mapping, Sequence

from medfilip_bench.profiles import PROFILES
from medfilip_bench.report.flat import Flat, flatten, with_floor
from medfilip_bench.report.matrix import PROTOCOL_READINGS, Column, Reading, matrix
from medfilip_bench.report.naming import TRAINED, dataset_words, metric_words
from medfilip_bench.report.published import load_published
from medfilip_bench.report.table import LineKind, Table
from medfilip_bench.results import Family, RunRecord

PAPER_SETS = ("mimic_16", "rsna", "mimic_multi", "chestxray14", "vinbigdata", "mimic_fg")
SECOND_SETS = ("rsna", "siim", "chestxray14", "chexpert", "six_entities")
_ACC_F1 = ("acc", "f1")
_AUC_F1_ACC = ("auc", "f1", "acc")
_ONE = (Reading(""),)
_SECOND = ("second_zero_shot", "mavl", "second_entities")
_COVID = {"pneumonia": "by category", "explanation": "by explanation"}
# These judge the images that zero-shot classification judges; its baselines are theirs.
_WITHOUT_FLOOR: frozenset[Family] = frozenset({"ablation", "prompts"})
_DIRECTIONS = {"i2t": "image→text", "t2i": "text→image"}


def paper_tables(records: Sequence[RunRecord]) -> tuple[Table, ...]:
    """Return every overview that has a measured figure, phantoms and real images apart.

    Args:
        records: Any records; several models stand below one another.
    """
    out: list[Table] = []
    for family, make in _MAKERS:
        for phantom in (True, False):
            of_kind = [r for r in records if r.phantom == phantom]
            own = [r for r in of_kind if r.family == family]
            if own:
                flat = flatten(own)
                if family in _WITHOUT_FLOOR:
                    judged = [r for r in of_kind if r.family == "zero_shot"]
                    flat = with_floor(flat, flatten(judged))
                out += make(flat, _trained(own, family), phantom)
    return tuple(sorted(out, key=lambda table: int(table.id.partition("_")[0][len("table") :])))


def _zero_shot(flat: Flat, _: str, phantom: bool) -> list[Table]:
    first = _sets(flat, PAPER_SETS, _ACC_F1, ("zero_shot",))
    second = _sets(flat, SECOND_SETS, _AUC_F1_ACC, _SECOND)
    rest = [d for d in flat.datasets if d not in (*PAPER_SETS, *SECOND_SETS)]
    others = _sets(flat, rest, _AUC_F1_ACC, ())
    note = (
        "MIMIC-16 and MIMIC-FG have one label an image: the class with the highest score "
        "wins, no threshold is chosen, and F1 is the macro F1."
    )
    made = (
        ("1", "zero_shot", "Table 1. Zero-shot classification, ACC and F1 averaged over classes",
         first, ("zero_shot",), note),
        ("7", "second_source", "Table 7. Zero-shot classification, AUC, F1 and ACC averaged over "
         "classes (the second source's table)", second, _SECOND, ""),
        ("8", "other_sets", "Table 8. Zero-shot classification, other data sets", others, (), ""),
    )  # fmt: skip
    tables = (
        matrix(_table(f"table{n}_{name}", caption, note, phantom), flat, columns, PROTOCOL_READINGS,
               published, phantom=phantom)
        for n, name, caption, columns, published, note in made
    )  # fmt: skip
    return [table for table in tables if table]


def _unseen(flat: Flat, _: str, phantom: bool) -> list[Table]:
    note = (
        "The published “by category” asks for “Pneumonia”. In the public COVID-19 data sets the "
        "class equals the source of the images: a model may tell sources apart."
    )
    out: list[Table] = []
    for dataset in flat.datasets:
        columns = [
            Column(words, metric_words(metric), dataset, metric, place,
                   f"{_COVID[place]} {metric_words(metric)}" if place in _COVID else None)
            for place, words in flat.place_names(dataset).items()
            for metric in _ACC_F1
        ]  # fmt: skip
        caption = "Table 3. Unseen COVID-19, by category name and by explanation"
        table = _table(
            f"table3_unseen_{dataset}", f"{caption}, {dataset_words(dataset)}", note, phantom
        )
        made = matrix(table, flat, columns, PROTOCOL_READINGS, ("covid",), phantom=phantom)
        out += [made] if made else []
    return out


def _shares(
    number: str, family: Family, words: str, metrics: Sequence[str], published: Mapping[str, str]
) -> Callable[[Flat, str, bool], list[Table]]:
    """Return a maker of one table a data set, with the shares of the labels side by side.

    Args:
        number: The table's number.
        family: Whose it is.
        words: What was trained.
        metrics: Columns at each share.
        published: Data set -> published table.
    """

    def make(flat: Flat, trained: str, phantom: bool) -> list[Table]:
        out: list[Table] = []
        for dataset in flat.datasets:
            columns = [
                Column(f"{share} of the labels", metric_words(metric), dataset, metric, share,
                       f"{share} {metric_words(metric)}")
                for share in flat.place_names(dataset)
                for metric in metrics
            ]  # fmt: skip
            caption = f"Table {number}. {words}, {dataset_words(dataset)}"
            table = _table(f"table{number}_{family}_{dataset}", caption, trained, phantom)
            theirs = (published[dataset],) if dataset in published else ()
            own = _only(flat, dataset)
            out += [
                t
                for t in [matrix(table, own, columns, PROTOCOL_READINGS, theirs, phantom=phantom)]
                if t
            ]
        return out

    return make


def _retrieval(flat: Flat, _: str, phantom: bool) -> list[Table]:
    columns = [
        Column(
            f"{dataset_words(dataset)}: {words}" if len(flat.datasets) > 1 else words,
            f"@{k}", dataset, f"@{k}", place, f"{words} P@{k}",
        )
        for dataset in flat.datasets
        for place, words in _DIRECTIONS.items()
        for k in (1, 3, 10)
    ]  # fmt: skip
    readings = (Reading("P@K, divided by K", ("p{}",)), Reading("hit@K", ("hit{}",)))
    note = "The published P@K grows with K, as hit@K does; P@K here is divided by K."
    table = _table("table5_retrieval", "Table 5. Retrieval, P@K and hit@K", note, phantom)
    made = matrix(table, flat, columns, readings, ("retrieval",), phantom=phantom)
    return [made] if made else []


def _ablation(flat: Flat, trained: str, phantom: bool) -> list[Table]:
    columns = _sets(flat, PAPER_SETS, _ACC_F1, ("ablation",))
    caption = "Table 6. Ablation, ACC and F1: each row adds one part"
    table = _table("table6_ablation", caption, trained, phantom)
    made = matrix(table, flat, columns, PROTOCOL_READINGS, ("ablation",), phantom=phantom)
    return [made] if made else []


def _grounding(flat: Flat, _: str, phantom: bool) -> list[Table]:
    columns = _sets(flat, list(flat.datasets), ("pointing", "box_iou"), ())
    table = _table("table9_grounding", "Table 9. Grounding, macro over classes", "", phantom)
    made = matrix(table, flat, columns, _ONE, phantom=phantom)
    return [made] if made else []


def _variants(
    number: str, family: Family, caption: str, metrics: Sequence[str], *, deep: bool = False
) -> Callable[[Flat, str, bool], list[Table]]:
    """Return a maker of one table a data set, with its variants side by side.

    Args:
        number: The table's number.
        family: Whose it is.
        caption: What varies.
        metrics: Columns of each variant.
        deep: Whether variants of a part (``sex:F``) stand here too; else they are left to the
            section of the record.
    """

    def make(flat: Flat, _: str, phantom: bool) -> list[Table]:
        out: list[Table] = []
        for dataset in flat.datasets:
            names = {
                place: name
                for place, name in flat.place_names(dataset).items()
                if deep or ":" not in place
            }
            columns = [
                Column(metric_words(metric), words, dataset, metric, place)
                for metric in metrics
                for place, words in names.items()
            ]
            words = f"Table {number}. {caption}, {dataset_words(dataset)}"
            table = _table(f"table{number}_{family}_{dataset}", words, "", phantom)
            out += [t for t in [matrix(table, flat, columns, _ONE, phantom=phantom)] if t]
        return out

    return make


def _sets(
    flat: Flat, datasets: Sequence[str], metrics: Sequence[str], published: Sequence[str]
) -> list[Column]:
    """Return a column for each data set and metric that was measured or published."""
    known = {c for name in published for c in load_published().tables[name].columns}
    out: list[Column] = []
    for dataset in datasets:
        words, n = dataset_words(dataset), flat.datasets.get(dataset)
        theirs = "overall" if dataset == "six_entities" else words
        for metric in metrics:
            name = f"{theirs} {metric_words(metric)}"
            if n is not None or name in known:
                group = words if n is None else f"{words} (n\u00a0{n:,})"
                beside = name if name in known else None
                out.append(Column(group, metric_words(metric), dataset, metric, published=beside))
    return out


def _only(flat: Flat, dataset: str) -> Flat:
    """Return the same figures with only the contenders of one data set."""
    shown = {who for who, data, _ in flat.found if data == dataset}
    kinds: dict[str, LineKind] = {w: kind for w, kind in flat.kinds.items() if w in shown}
    return Flat(kinds, flat.found, flat.datasets, flat.places)


def _table(name: str, caption: str, note: str, phantom: bool) -> Table:
    return Table(f"{name}_{'phantom' if phantom else 'real'}", caption, (), (), note=note)


def _trained(records: Sequence[RunRecord], family: Family) -> str:
    """Say how much was spent on figures that were trained for."""
    if family not in TRAINED:
        return ""
    found = dict.fromkeys(record.provenance.profile for record in records)
    said = [profile.words for name, profile in PROFILES.items() if name in found]
    said = said or [f"{name} profile" for name in found]
    return f"{'; '.join(said).capitalize()}." if said else ""


_MAKERS: tuple[tuple[Family, Callable[[Flat, str, bool], list[Table]]], ...] = (
    ("zero_shot", _zero_shot),
    ("unseen", _unseen),
    ("probe", _shares("2", "probe", "Linear probe", _ACC_F1,
                      {"rsna": "probe_rsna", "vinbigdata": "probe_vinbig"})),
    ("segmentation", _shares("4", "segmentation", "Segmentation",
                             ("dice", "dice_positive", "dice_negative"), {"siim": "segmentation"})),
    ("retrieval", _retrieval),
    ("ablation", _ablation),
    ("fine_tune", _shares("10", "fine_tune", "Full fine-tuning", _AUC_F1_ACC, {})),
    ("grounding", _grounding),
    ("case_study", _variants("11", "case_study", "Case study: kinds of text",
                             ("similarity", "auc"))),
    ("prompts", _variants("12", "prompts", "Prompt sensitivity", ("auc",))),
    ("subgroups", _variants("13", "subgroups", "Subgroups", ("auc",), deep=True)),
    ("report_consistency", _variants("14", "report_consistency", "Reports with a known mistake "
                                     "against their images",
                                     ("auc", "auc_own", "noticed", "believed", "flagged"))),
)  # fmt: skip
