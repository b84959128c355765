"""Jobs: which tasks run on which data."""

from dataclasses import replace
from pathlib import Path

import pytest
from medfilip_bench.datasets import READERS
from medfilip_bench.errors import UnknownNameError
from medfilip_bench.plan import Found, jobs
from medfilip_bench.tasks.catalogue import catalogue

RSNA = Found(READERS["rsna"], Path("somewhere"))


def names(listed):
    return [job.name for job in listed]


def test_without_data_every_twin_is_run_and_nothing_else():
    every = jobs(catalogue(), [])
    assert every
    assert all(job.found is None and job.name.endswith("-phantom") for job in every)
    assert len(every) == sum(task.twin for task in catalogue().values())


def test_data_that_were_found_are_added_and_twins_can_be_left_out():
    both = names(jobs(catalogue(), [RSNA]))
    assert {"zero_shot-rsna", "zero_shot-rsna-phantom", "zero_shot-siim-phantom"} <= set(both)
    assert "zero_shot-siim" not in both
    real = jobs(catalogue(), [RSNA], phantoms=False)
    assert {job.task.dataset for job in real} == {"rsna"}


def test_phantom_tasks_have_no_real_twin():
    assert "ablation-mimic_multi" not in names(jobs(catalogue(), [
        replace(RSNA, reader=READERS["mimic_multi"])]))  # fmt: skip


def test_patterns_choose():
    chosen = names(jobs(catalogue(), [RSNA], ("zero_shot-*-phantom", "probe-rsna")))
    assert "probe-rsna" in chosen
    assert all(name == "probe-rsna" or name.startswith("zero_shot-") for name in chosen)
    with pytest.raises(UnknownNameError, match="did you mean 'probe-rsna'"):
        jobs(catalogue(), [RSNA], ("probe-rnsa",))


def test_no_two_tasks_share_a_name_and_twins_that_are_the_same_run_once():
    every = names(jobs(catalogue(), []))
    assert len(every) == len(set(every))
    assert "zero_shot-covid_qu_ex-phantom" not in every
