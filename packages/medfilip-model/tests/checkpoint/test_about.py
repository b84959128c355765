"""What a run says of its training."""

from medfilip_model.checkpoint.about import trained_on


def record(**data):
    return {
        "config": {"data": {"folder": None, **data}, "epochs": 5, "start": None},
        "resolved": {"train": 2900, "images": "phantoms"},
    }


def test_a_run_on_phantoms_says_so():
    about = trained_on(record(findings="x.jsonl"))
    assert about.words == "2900 phantoms with findings read from their reports, 5 epochs"
    assert about.phantom


def test_a_run_on_images_names_them():
    given = record(folder="cxr")
    given["resolved"]["images"] = "nih"
    about = trained_on(given)
    assert about.words == "2900 images of 'nih', 5 epochs"
    assert not about.phantom


def test_a_run_that_started_from_another_is_not_called_phantoms_alone():
    given = record()
    given["config"]["start"] = "runs/real"
    assert not trained_on(given).phantom


def test_a_run_that_started_from_nothing_is_one_of_phantoms():
    given = record()
    given["config"]["start"] = "none"
    assert trained_on(given).phantom


def test_what_is_recorded_as_nothing_is_not_claimed():
    for empty in ({"config": None, "resolved": None}, {"config": {"data": None}}):
        about = trained_on(empty)
        assert about.words == "an unknown number of phantoms"
        assert not about.phantom


def test_what_is_not_recorded_is_not_claimed():
    about = trained_on({})
    assert about.words.startswith("an unknown number of")
    assert not about.phantom
