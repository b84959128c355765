"""Published figures: as printed, complete, and never changed."""

import pytest
from medfilip_bench.errors import UnknownNameError
from medfilip_bench.report.published import PublishedTable, load_published, printed

SPOT = [
    ("zero_shot", "MedFILIP", "MIMIC-16 ACC", 74.71),
    ("zero_shot", "CLIP", "MIMIC-16 F1", 20.30),
    ("zero_shot", "MedKLIP", "ChestX-ray14 ACC", 86.19),
    ("zero_shot", "MedFILIP", "MIMIC-FG F1", 41.27),
    ("probe_rsna", "MedFILIP", "1 % ACC", 81.59),
    ("probe_vinbig", "ConvNeXt ImageNet", "100 % F1", 37.93),
    ("covid", "MedFILIP", "by explanation F1", 72.31),
    ("covid", "MedKLIP", "by category ACC", 63.38),
    ("segmentation", "random initialisation", "1 % Dice", 23.27),
    ("retrieval", "MedFILIP", "text→image P@10", 56.63),
    ("retrieval", "ConVIRT", "image→text P@1", 9.92),
    ("ablation", "+IKI", "MIMIC-multi F1", 40.2),
    ("second_zero_shot", "CheXzero", "RSNA-Pneumonia AUC", 0.8579),
    ("second_entities", "optimised MedKLIP", "overall AUC", 0.82),
    ("mavl", "MAVL", "SIIM-ACR ACC", 0.8714),
]


@pytest.mark.parametrize(("table", "row", "column", "value"), SPOT)
def test_spot_values(table, row, column, value):
    assert load_published().tables[table].value(row, column) == value


def test_every_figure_is_sane():
    published = load_published()
    assert sum(len(t.rows) * len(t.columns) for t in published.tables.values()) > 300
    for table in published.tables.values():
        assert table.source in published.sources
        for row in table.rows:
            assert all(0 < table.fraction(value) < 1 for value in row.values), (table.title, row)


def test_figures_keep_the_places_they_were_printed_with():
    tables = load_published().tables
    assert printed(tables["zero_shot"], 20.30) == "0.2030"
    assert printed(tables["ablation"], 63.9) == "0.639"
    assert printed(tables["second_entities"], 0.8) == "0.80"
    assert printed(tables["second_zero_shot"], 0.57) == "0.5700"


def test_classes_stand_beside_their_task():
    published = load_published()
    (table,) = published.references("zero_shot-six_entities")
    assert len(table.columns) == 12
    assert table.value("optimised MedKLIP", "effusion AUC") == 0.62
    assert published.references("extraction-mimic_multi") == ()
    for names in published.beside.values():
        for name, words in names.items():
            assert all(published.tables[name].select(word).columns for word in words)


def test_unknown_rows_and_columns_are_named():
    table = load_published().tables["covid"]
    with pytest.raises(UnknownNameError, match="did you mean 'MedKLIP'"):
        table.value("MedKLP", "by category F1")
    with pytest.raises(UnknownNameError, match="published column 'by name F1'"):
        table.value("MedKLIP", "by name F1")


def test_a_row_that_lacks_a_figure_is_refused():
    with pytest.raises(ValueError, match="'x' has 1 of 2 values"):
        PublishedTable.model_validate(
            {
                "title": "t",
                "source": "s",
                "unit": "percent",
                "columns": ("a", "b"),
                "rows": ({"name": "x", "values": (1.0,)},),
            }
        )
