import subprocess
import sys

import pytest
import torch
from medfilip_model.config import FusionConfig
from medfilip_model.errors import ConfigError
from medfilip_model.fusion import Attention, FusionHead, positions
from torch.nn import functional

PLAIN = FusionConfig(width=32, heads=4, layers=2, dropout=0.0)


def head(config: FusionConfig = PLAIN, places: int = 5) -> FusionHead:
    torch.manual_seed(0)
    return FusionHead(config, channels=8, embed=16, places=places).eval()


def inputs(n: int = 3, k: int = 4, h: int = 6, w: int = 5) -> tuple[torch.Tensor, torch.Tensor]:
    g = torch.Generator().manual_seed(1)
    queries = functional.normalize(torch.randn(k, 16, generator=g), dim=-1)
    return torch.randn(n, 8, h, w, generator=g), queries


@pytest.mark.parametrize(("n", "k", "h", "w"), [(3, 4, 6, 5), (1, 1, 1, 1), (2, 9, 14, 14)])
def test_shapes_for_any_map_and_any_entities(n: int, k: int, h: int, w: int):
    out = head()(*inputs(n, k, h, w), need_attention=True)
    assert out.presence.shape == (n, k)
    assert out.location is not None
    assert out.location.shape == (n, k, 5)
    assert out.attention is not None
    assert out.attention.shape == (n, k, h, w)


def test_attention_is_the_softmax_that_the_kernel_used():
    """With the identity as values the kernel gives out its own weights."""
    torch.manual_seed(0)
    layer = Attention(PLAIN).eval()
    states, memory = torch.randn(2, 4, 32) * 3, torch.randn(2, 7, 32) * 3
    used = functional.scaled_dot_product_attention(
        layer.split(layer.query(states)), layer.split(layer.key(memory)), torch.eye(7)
    )
    torch.testing.assert_close(layer.weights(states, memory), used.mean(dim=1), atol=1e-6, rtol=0)


def test_the_map_is_the_mean_over_layers_of_what_each_used(monkeypatch: pytest.MonkeyPatch):
    model, (grid, queries) = head(), inputs()
    used: list[torch.Tensor] = []
    kernel = functional.scaled_dot_product_attention

    def spy(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, **options: float) -> torch.Tensor:
        used.append(kernel(q, k, torch.eye(k.shape[-2])).mean(dim=1))
        return kernel(q, k, v, **options)

    monkeypatch.setattr(functional, "scaled_dot_product_attention", spy)
    found = model(grid, queries, need_attention=True).attention
    assert len(used) == PLAIN.layers
    expected = torch.stack(used).mean(dim=0).unflatten(-1, (6, 5))
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=0)
    torch.testing.assert_close(found.sum((-1, -2)), torch.ones(3, 4))


def test_asking_for_the_attention_changes_no_answer():
    model, given = head(), inputs()
    without, with_map = model(*given), model(*given, need_attention=True)
    assert without.attention is None
    assert torch.equal(without.presence, with_map.presence)
    assert torch.equal(without.location, with_map.location)


def test_an_answer_does_not_depend_on_the_other_entities():
    model, (grid, queries) = head(), inputs()
    together = model(grid, queries, need_attention=True)
    for k in range(4):
        alone = model(grid, queries[[k]], need_attention=True)
        torch.testing.assert_close(together.presence[:, [k]], alone.presence)
        torch.testing.assert_close(together.location[:, [k]], alone.location)
        torch.testing.assert_close(together.attention[:, [k]], alone.attention)


@pytest.mark.parametrize("among", [False, True])
def test_entities_permute_with_their_queries_and_images_with_their_maps(among: bool):
    model = head(PLAIN.model_copy(update={"self_attention": among}))
    grid, queries = inputs()
    out = model(grid, queries)
    order, rows = torch.tensor([2, 0, 3, 1]), torch.tensor([1, 2, 0])
    moved = model(grid[rows], queries[order])
    torch.testing.assert_close(moved.presence, out.presence[rows][:, order])
    torch.testing.assert_close(moved.location, out.location[rows][:, order])


def test_self_attention_lets_entities_see_each_other():
    model = head(PLAIN.model_copy(update={"self_attention": True}))
    grid, queries = inputs()
    alone, together = model(grid, queries[:1]).presence, model(grid, queries).presence[:, :1]
    assert (alone - together).abs().max() > 1e-4


def test_the_order_of_patches_matters_only_by_position():
    """A map without positions would give the same answer for its mirror image."""
    model, (grid, queries) = head(), inputs()
    mirrored = model(grid.flip(-1), queries)
    assert (mirrored.location - model(grid, queries).location).abs().max() > 1e-4


def test_positions_differ_and_mean_the_same_place_at_every_resolution():
    small = positions(2, 2, width=32, like=torch.zeros(()))
    assert small.shape == (4, 32)
    assert torch.cdist(small, small).fill_diagonal_(9).min() > 0.5
    large = positions(14, 14, width=32, like=torch.zeros(()))
    assert torch.cdist(large, large).fill_diagonal_(9).min() > 0.1
    # The centre of a quarter of a 6 x 6 map is the patch at its middle; in a 2 x 2 map the patch.
    middle = positions(6, 6, width=32, like=torch.zeros(()))[1 * 6 + 1]
    torch.testing.assert_close(middle, small[0])


@pytest.mark.parametrize("width", [30, 36])
def test_a_width_that_does_not_fit_is_refused(width: int):
    heads = 8 if width == 36 else 2
    with pytest.raises(
        ConfigError, match=f"fusion width {width} must be a multiple of its {heads}"
    ):
        FusionHead(FusionConfig(width=width, heads=heads), channels=8, embed=16, places=1)


@pytest.mark.parametrize(("wanted", "places"), [(False, 5), (True, 0)])
def test_no_location_without_places(wanted: bool, places: int):
    model = head(PLAIN.model_copy(update={"location": wanted}), places)
    assert model(*inputs()).location is None
    assert not any("location" in name for name, _ in model.named_parameters())


def test_every_parameter_gets_a_gradient():
    model = head(PLAIN.model_copy(update={"self_attention": True}))
    out = model(*inputs())
    (out.presence.square().mean() + out.location.square().mean()).backward()
    bare = [n for n, p in model.named_parameters() if p.grad is None or not p.grad.any()]
    # Softmax does not change when all its scores move alike: a key's bias has no effect.
    assert all(name.endswith("key.bias") for name in bare)


def test_what_queries_share_is_taken_off_by_training():
    """After steps in training mode, queries that were nearly alike are told apart."""
    model = head()
    grid, queries = inputs()
    alike = functional.normalize(queries * 0.05 + 1, dim=-1)
    assert (alike @ alike.T).min() > 0.99
    before = model(grid, alike).presence.std(dim=1)
    model.train()
    for _ in range(60):
        model(grid, alike)
    assert (model.eval()(grid, alike).presence.std(dim=1) > 3 * before).all()


def test_one_entity_alone_can_be_trained():
    model = head().train()
    grid, queries = inputs()
    assert model(grid, queries[:1]).presence.isfinite().all()
    assert not model.query_spread.num_batches_tracked


def test_dropout_is_off_in_evaluation():
    model, given = head(PLAIN.model_copy(update={"dropout": 0.5})), inputs()
    assert torch.equal(model(*given).presence, model(*given).presence)
    model.train()
    assert not torch.equal(model(*given).presence, model(*given).presence)


def test_bfloat16_autocast_is_close_to_float32():
    model, given = head(), inputs()
    exact = model(*given, need_attention=True)
    with torch.autocast("cpu", torch.bfloat16):
        rounded = model(*given, need_attention=True)
    torch.testing.assert_close(rounded.presence.float(), exact.presence, atol=0.05, rtol=0.05)
    torch.testing.assert_close(rounded.attention, exact.attention, atol=0.01, rtol=0.05)


COMPILE = """
import torch
from medfilip_model.config import FusionConfig
from medfilip_model.fusion import FusionHead
head = FusionHead(FusionConfig(width=16, heads=2, layers=1), channels=8, embed=16, places=5).eval()
compiled = torch.compile(head, fullgraph=True, backend="eager")
given = torch.randn(2, 8, 4, 4), torch.randn(3, 16)
expected, found = head(*given, need_attention=True), compiled(*given, need_attention=True)
torch.testing.assert_close(found.presence, expected.presence)
torch.testing.assert_close(found.attention, expected.attention)
"""


def test_compiles_into_one_graph():
    # In a process of its own, as installed: the wrappers that check shapes in tests do not compile.
    subprocess.run([sys.executable, "-W", "error", "-c", COMPILE], check=True, timeout=300)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_cuda_equals_cpu():
    model, (grid, queries) = head(), inputs()
    expected = model(grid, queries, need_attention=True)
    found = model.cuda()(grid.cuda(), queries.cuda(), need_attention=True)
    torch.testing.assert_close(found.presence.cpu(), expected.presence, atol=1e-4, rtol=1e-3)
    torch.testing.assert_close(found.attention.cpu(), expected.attention, atol=1e-4, rtol=1e-3)


def directions(n: int, g: torch.Generator) -> torch.Tensor:
    return functional.normalize(torch.randn(n, 16, generator=g), dim=-1)


def planted(
    n: int, entities: torch.Tensor, mix: torch.Tensor, g: torch.Generator
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Maps of noise with one of the entities at one patch; pixels are a rotation of texts."""
    which = torch.randint(len(entities), (n,), generator=g)
    where = torch.randint(16, (n,), generator=g)
    grid = 0.1 * torch.randn(n, 16, 16, generator=g)
    grid[torch.arange(n), :, where] += 4 * entities[which] @ mix
    return grid.unflatten(-1, (4, 4)), which, where


def test_learns_to_find_and_to_ground_entities_that_it_never_saw():
    """Trained on 256 entities, asked for 8 new ones by their embeddings alone."""
    g = torch.Generator().manual_seed(0)
    torch.manual_seed(0)
    mix = torch.linalg.qr(torch.randn(16, 16, generator=g))[0]
    config = FusionConfig(width=64, heads=1, layers=1, dropout=0.0, location=False)
    model = FusionHead(config, channels=16, embed=16, places=0)
    optimiser = torch.optim.AdamW(model.parameters(), lr=3e-3)
    seen = directions(256, g)
    for _ in range(160):
        asked = seen[torch.randperm(256, generator=g)[:8]]
        grid, which, _ = planted(32, asked, mix, g)
        logits = model(grid, asked).presence
        truth = functional.one_hot(which, 8).float()
        loss = functional.binary_cross_entropy_with_logits(logits, truth)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    model.eval()
    unseen = directions(8, g)
    grid, which, where = planted(400, unseen, mix, g)
    with torch.no_grad():
        out = model(grid, unseen, need_attention=True)
    assert (out.presence.argmax(dim=1) == which).float().mean() > 0.9
    looked = out.attention[torch.arange(400), which].flatten(1).argmax(dim=1)
    assert (looked == where).float().mean() > 0.9
