import subprocess
import sys
from pathlib import Path

import pytest
import torch
from ssm import Calibration, LabelBank, SsmError, normalise
from ssm.distributed import global_labels, global_targets

WORKER = Path(__file__).parent / "distributed_worker.py"
DIM, UNIQUE = 33, 600

SIZES = [
    (7, 1),
    (1, 1),
    (3, 5),
    (100, 83),
    (0, 40),
    (13, 0),
    (0, 0),
    (5, 0, 30),
    (90, 101, 110),
    (2200, 2000),  # One process takes two blocks of columns.
]
OPTIONS = [
    {},
    {"pool": "mean"},
    {"pool": "softmax", "temperature": 0.05},
]
METHODS = ["none", "center", "whiten", "quantile"]


def vectors():
    generator = torch.Generator().manual_seed(0)
    plain = normalise(torch.randn(UNIQUE, DIM, generator=generator) + 1)
    return {"plain": plain, "longer": torch.cat([plain, plain[:1]])}


def one_rank(m, generator, *, grouped):
    """Labels of a rank; its last image has no text."""
    n = m // 3 + 2
    return {
        "index": torch.randint(UNIQUE, (m,), generator=generator),
        "owner": torch.randint(n - 1, (m,), generator=generator),
        "n_owners": n,
        "group": torch.randint(4, (m,), generator=generator) if grouped else None,
    }


def all_scenarios():
    generator = torch.Generator().manual_seed(1)
    scenarios = []
    for place, sizes in enumerate(SIZES):
        for offset, options in enumerate(OPTIONS if sum(sizes) < 4096 else OPTIONS[:1]):
            grouped = (place + offset) % 2 == 0
            scenarios.append(
                {
                    "ranks": [one_rank(m, generator, grouped=grouped) for m in sizes],
                    "options": options,
                    "method": METHODS[(place + offset) % len(METHODS)],
                }
            )
    return scenarios


def wrong_scenarios():
    """Each with what the error must say, on every rank."""
    ones = {"index": torch.ones(4, dtype=torch.long), "owner": torch.arange(4), "n_owners": 4}
    changes = [
        ([{}, {"owner": torch.tensor([0, 1, 2, 4])}], "rank 1: owner 4 is out of range: 4 owners"),
        ([{"index": torch.tensor([0, 1, 2, UNIQUE])}, {}], f"rank 0: index {UNIQUE} is out of"),
        ([{"index": torch.tensor([0, 1, 2, -1])}, {}, {}], "rank 0: index -1 is out of range"),
        ([{}, {"owner": torch.arange(3)}, {"n_owners": -1}], "rank 1: owner must have one entry"),
        ([{}, {"owner": torch.arange(3)}, {"n_owners": -1}], "; rank 2: n_owners must not be"),
        ([{}, {"index": torch.ones(4)}], "rank 1: index must hold integers"),
        ([{}, {"group": torch.arange(4)}], "ranks [1] gave a group and ranks [0] gave none"),
    ]
    scenarios = [
        ({"ranks": [ones | change for change in ranks], "options": {}, "method": "none"}, message)
        for ranks, message in changes
    ]
    other = {"ranks": [ones] * 2, "options": {}, "method": "none", "banks": ["plain", "longer"]}
    return [*scenarios, (other, "rank 1 has another bank than rank 0")]


def start(folder, scenarios, *, world, backend="gloo"):
    torch.save({"vectors": vectors(), "scenarios": scenarios}, folder / "scenarios.pt")
    command = [sys.executable, str(WORKER), backend, str(world), str(folder)]
    done = subprocess.run(command, stderr=subprocess.PIPE, timeout=240, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return [torch.load(folder / f"answers-{rank}.pt", weights_only=True) for rank in range(world)]


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    """What every rank of one run of three processes answered; two of them are a group as well."""
    scenarios = [*all_scenarios(), *(scenario for scenario, _ in wrong_scenarios())]
    return start(tmp_path_factory.mktemp("ranks"), scenarios, world=3)


@pytest.fixture
def one_thread():
    """As the ranks: BLAS may add up in another order on two threads."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def in_one_process(scenario, device="cpu"):
    """The labels of all ranks as one batch, images numbered through."""
    ranks = scenario["ranks"]
    firsts = [sum(labels["n_owners"] for labels in ranks[:rank]) for rank in range(len(ranks) + 1)]
    owner = [labels["owner"] + first for labels, first in zip(ranks, firsts[:-1], strict=True)]
    group = [labels["group"] for labels in ranks if labels["group"] is not None]
    plain = vectors()["plain"]
    bank = LabelBank(tuple(map(str, range(UNIQUE))), plain, "random", "test")
    whole = (
        bank.calibrate(scenario["method"])
        .to(device)
        .targets(
            torch.cat([labels["index"] for labels in ranks]),
            torch.cat(owner),
            n_owners=firsts[-1],
            group=torch.cat(group) if group else None,
            **scenario["options"],
        )
    )
    return whole, firsts


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize("number", range(len(all_scenarios())))
def test_the_gathered_rows_are_those_of_one_process(answers, number):
    scenario = all_scenarios()[number]
    whole, firsts = in_one_process(scenario)
    world = len(scenario["ranks"])
    for rank in range(world):
        rows, sizes, first, total = answers[rank][number]
        assert sizes == tuple(len(labels["index"]) for labels in scenario["ranks"])
        assert (first, total) == (firsts[rank], firsts[-1])
        assert torch.equal(rows, whole[firsts[rank] : firsts[rank + 1]])
    assert all(answers[rank][number] is None for rank in range(world, 3))


@pytest.mark.parametrize("number", range(len(wrong_scenarios())))
def test_wrong_labels_on_one_rank_are_an_error_on_all(answers, number):
    scenario, message = wrong_scenarios()[number]
    for rank in range(len(scenario["ranks"])):
        assert message in answers[rank][len(all_scenarios()) + number]


def small_bank():
    plain = vectors()["plain"]
    return LabelBank(tuple(map(str, range(UNIQUE))), plain, "random", "test")


@pytest.mark.parametrize("options", [*OPTIONS, {"calibration": Calibration(low=0.5)}])
def test_without_a_process_group_it_is_the_bank(options):
    labels = one_rank(50, torch.Generator().manual_seed(2), grouped=True)
    bank = small_bank().calibrate("center")
    found = global_targets(bank, **labels, **options)
    expected = bank.targets(**labels, **options)
    assert torch.equal(found, expected)
    gathered = global_labels(bank, **labels)
    assert gathered.sizes == (50,)
    assert (gathered.first_owner, gathered.n_owners, gathered.total_owners) == (0, 18, 18)


def test_errors_without_a_process_group():
    labels = one_rank(5, torch.Generator().manual_seed(3), grouped=False)
    with pytest.raises(SsmError, match="owner 9 is out of range"):
        global_targets(small_bank(), **labels | {"owner": torch.tensor([0, 0, 0, 0, 9])})


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_nccl(tmp_path):
    scenario = all_scenarios()[9] | {"options": {}}
    scenario["ranks"] = scenario["ranks"][:1]
    (((rows, *_),),) = start(tmp_path, [scenario], world=1, backend="nccl")
    assert rows.is_cuda
    whole, _ = in_one_process(scenario, "cuda")
    assert torch.equal(rows, whole)
