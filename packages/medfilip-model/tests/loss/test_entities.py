import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from medfilip_model.fusion import FusionOutput
from medfilip_model.loss import class_balance, fusion_loss, fusion_totals

NAN = math.nan
LABELS = torch.tensor([[1.0, 0.0], [NAN, 1.0], [0.0, NAN]])
PLACES = torch.tensor(
    [
        [[1.0, 0.0, NAN], [0.0, 0.0, 0.0]],
        [[NAN, NAN, NAN], [NAN, 1.0, NAN]],
        [[0.0, 0.0, 0.0], [NAN, NAN, NAN]],
    ]
)
BALANCE = torch.tensor([3.0, 0.5])


def softplus(x: float) -> float:
    return math.log1p(math.exp(x))


def output(n: int = 3, k: int = 2, r: int = 3, seed: int = 0) -> FusionOutput:
    g = torch.Generator().manual_seed(seed)
    return FusionOutput(torch.randn(n, k, generator=g), torch.randn(n, k, r, generator=g), None)


def test_presence_by_hand():
    logits = torch.tensor([[0.5, -1.0], [9.0, 2.0], [0.25, -9.0]])
    found = fusion_loss(FusionOutput(logits, None, None), LABELS, None)
    expected = (softplus(-0.5) + softplus(-1.0) + softplus(-2.0) + softplus(0.25)) / 4
    assert found.item() == pytest.approx(expected)


def test_balanced_presence_by_hand():
    logits = torch.tensor([[0.5, -1.0], [9.0, 2.0], [0.25, -9.0]])
    found = fusion_loss(FusionOutput(logits, None, None), LABELS, None, balance=BALANCE)
    present = 3 * softplus(-0.5) + 0.5 * softplus(-2.0)
    assert found.item() == pytest.approx((present + softplus(-1.0) + softplus(0.25)) / 5.5)


def test_location_counts_where_present_and_known():
    said = output()
    bare = fusion_loss(said._replace(location=None), LABELS, PLACES)
    where = said.location
    assert where is not None
    # Image 0 has entity 0 with two known places, image 1 has entity 1 with one.
    expected = (
        softplus(-where[0, 0, 0].item())
        + softplus(where[0, 0, 1].item())
        + softplus(-where[1, 1, 1].item())
    ) / 3
    assert (fusion_loss(said, LABELS, PLACES) - bare).item() == pytest.approx(expected)


def test_what_is_not_known_changes_nothing():
    said = output()
    leaf = FusionOutput(said.presence.requires_grad_(), said.location.requires_grad_(), None)
    fusion_loss(leaf, LABELS, PLACES, balance=BALANCE).backward()
    assert (leaf.presence.grad == 0).equal(LABELS.isnan())
    counted = (LABELS == 1)[..., None] & ~PLACES.isnan()
    assert (leaf.location.grad != 0).equal(counted)


def test_gradients_are_right():
    said = output()
    leaves = [x.double().requires_grad_() for x in (said.presence, said.location)]

    def loss(presence: torch.Tensor, location: torch.Tensor) -> torch.Tensor:
        return fusion_loss(
            FusionOutput(presence, location, None),
            LABELS.double(),
            PLACES.double(),
            balance=BALANCE.double(),
        )

    assert torch.autograd.gradcheck(loss, leaves)


@given(
    st.integers(0, 1000),
    st.lists(st.integers(1, 3), min_size=1, max_size=4),
    st.booleans(),
)
def test_the_parts_of_a_batch_add_up_to_the_whole(seed: int, sizes: list[int], weigh: bool):
    """Value and gradient; a mean over each part would not, as parts know different shares."""
    g = torch.Generator().manual_seed(seed)
    n, k, r = sum(sizes), 4, 3
    choices = torch.tensor([0.0, 1.0, NAN], dtype=torch.float64)
    labels = choices[torch.randint(3, (n, k), generator=g)]
    places = choices[torch.randint(3, (n, k, r), generator=g)]
    balance = torch.rand(k, generator=g).double() * 5 if weigh else None
    presence = torch.randn(n, k, generator=g, dtype=torch.float64).requires_grad_()
    location = torch.randn(n, k, r, generator=g, dtype=torch.float64).requires_grad_()
    whole = fusion_loss(FusionOutput(presence, location, None), labels, places, balance=balance)
    expected = torch.autograd.grad(whole, [presence, location])
    totals = fusion_totals(labels, places, balance=balance)
    parts = [
        fusion_loss(FusionOutput(p, w, None), y, z, balance=balance, totals=totals)
        for p, w, y, z in zip(
            *(x.split(sizes) for x in (presence, location, labels, places)), strict=True
        )
    ]
    total = torch.stack(parts).sum()
    torch.testing.assert_close(total, whole)
    for found, gradient in zip(
        torch.autograd.grad(total, [presence, location]), expected, strict=True
    ):
        torch.testing.assert_close(found, gradient)


def test_the_order_of_images_and_entities_does_not_matter():
    said = output()
    rows, columns = torch.tensor([2, 0, 1]), torch.tensor([1, 0])
    moved = FusionOutput(said.presence[rows][:, columns], said.location[rows][:, columns], None)
    found = fusion_loss(
        moved, LABELS[rows][:, columns], PLACES[rows][:, columns], balance=BALANCE[columns]
    )
    torch.testing.assert_close(found, fusion_loss(said, LABELS, PLACES, balance=BALANCE))


@pytest.mark.parametrize("n", [0, 3])
def test_without_a_known_label_loss_and_gradient_are_0(n: int):
    said = output(n)
    leaf = FusionOutput(said.presence.requires_grad_(), said.location.requires_grad_(), None)
    loss = fusion_loss(leaf, torch.full((n, 2), NAN), torch.full((n, 2, 3), NAN))
    loss.backward()
    assert loss == 0
    assert (leaf.presence.grad == 0).all()
    assert (leaf.location.grad == 0).all()


def test_without_a_present_entity_only_presence_counts():
    said, absent = output(), torch.zeros(3, 2)
    alone = fusion_loss(said._replace(location=None), absent, None)
    assert torch.equal(fusion_loss(said, absent, torch.zeros(3, 2, 3)), alone)


def test_without_places_there_is_presence_alone():
    said = output(r=0)._replace(location=None)
    none = torch.zeros(3, 2, 0)
    assert torch.equal(fusion_loss(said, LABELS, none), fusion_loss(said, LABELS, None))


def test_half_precision_logits_are_summed_in_float32():
    said = output(n=64, k=40)
    half = FusionOutput(said.presence.bfloat16(), None, None)
    loss = fusion_loss(half, torch.ones(64, 40), None)
    assert loss.dtype == torch.float32
    exact = fusion_loss(FusionOutput(half.presence.float(), None, None), torch.ones(64, 40), None)
    assert torch.equal(loss, exact)


def test_large_logits_stay_finite():
    said = FusionOutput(torch.tensor([[1e4, -1e4]]).requires_grad_(), None, None)
    loss = fusion_loss(said, torch.tensor([[0.0, 1.0]]), None)
    loss.backward()
    assert loss.item() == pytest.approx(1e4)
    assert said.presence.grad.isfinite().all()


def test_balance_by_hand():
    labels = torch.tensor(
        [
            [1.0, 1.0, NAN, 0.0, 1.0],
            [0.0, 1.0, NAN, 0.0, NAN],
            [0.0, 0.0, NAN, NAN, NAN],
            [0.0, NAN, NAN, 0.0, NAN],
        ]
    )
    # 3 to 1; 1 to 2; unknown; never present; never absent.
    found = class_balance(labels)
    torch.testing.assert_close(found, torch.tensor([3.0, 0.5, 1.0, 3.0, 0.05]))


def test_balance_makes_both_classes_weigh_the_same_within_its_bounds():
    labels = torch.zeros(100, 2)
    labels[:10, 0], labels[0, 1] = 1, 1
    assert class_balance(labels).tolist() == [9.0, 20.0]
