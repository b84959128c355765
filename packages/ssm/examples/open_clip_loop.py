"""An open_clip model trained on soft targets: coloured shapes with two captions each.

The model here is small, with random weights, so that the example runs in seconds without a
download. For a real one replace `small_model()` and the two lines that prepare its input by

    model, _, preprocess = open_clip.create_model_and_transforms(
        "ViT-B-32", pretrained="laion2b_s34b_b79k"
    )
    tokenizer = open_clip.get_tokenizer("ViT-B-32")
    images = torch.stack([preprocess(image) for image in pil_images])

and lower the learning rate to 1e-5 or so; the loop stays as it is.

Needs open_clip (`pip install open_clip_torch`).
Run: uv run python packages/ssm/examples/open_clip_loop.py [ENCODER]
"""

import sys

import open_clip
import torch
from ssm import LabelBank, fit_calibration, itm_loss, load_encoder
from torch import Tensor

COLOURS = {"red": (1.0, 0.1, 0.1), "green": (0.1, 0.9, 0.1), "blue": (0.2, 0.3, 1.0)}
SHAPES = ("disc", "ring", "square", "cross")
SUBJECTS = [(colour, shape) for colour in COLOURS for shape in SHAPES]
SIZE = 32
BATCH = 24


def captions(colour: str, shape: str) -> list[str]:
    """What two people would say about one image."""
    return [f"a {colour} {shape}", f"a drawing of a {shape} in {colour} paint"]


def draw(colour: str, shape: str, generator: torch.Generator) -> Tensor:
    """A shape as an image [3, 32, 32] with noise; size and place differ a little each time."""
    size = 9 + 3 * torch.rand((), generator=generator)
    centre = 14 + 4 * torch.rand(2, generator=generator)
    y, x = (torch.arange(SIZE) - centre[:, None]).abs()
    round_, square = (y[:, None] ** 2 + x**2).sqrt(), torch.maximum(y[:, None], x)
    inside = {
        "disc": round_ < size,
        "ring": (round_ < size) & (round_ > size / 2),
        "square": square < size,
        "cross": (torch.minimum(y[:, None], x) < size / 4) & (square < size),
    }[shape]
    image = inside * torch.tensor(COLOURS[colour])[:, None, None]
    return image + 0.1 * torch.randn(3, SIZE, SIZE, generator=generator)


def small_model() -> open_clip.CLIP:
    """A CLIP with a ResNet of 4 blocks and a text transformer of 2, with random weights."""
    return open_clip.CLIP(
        embed_dim=64,
        vision_cfg={"image_size": SIZE, "layers": (1, 1, 1, 1), "width": 8, "head_width": 32},
        text_cfg={"context_length": 16, "width": 64, "heads": 2, "layers": 2},
    )


@torch.no_grad()
def share_right(model: open_clip.CLIP, images: Tensor, tokens: Tensor) -> float:
    """Share of images whose best caption, of all there are, is one of their own two."""
    model.eval()
    image = model.encode_image(images, normalize=True)
    best = (image @ model.encode_text(tokens, normalize=True).T).argmax(dim=1)
    return float((best // 2 == torch.arange(len(images)) % len(SUBJECTS)).float().mean())


def main(encoder_name: str = "minilm", steps: int = 100) -> tuple[float, float]:
    """Train, and return the share of new images with the right caption before and after."""
    generator = torch.Generator().manual_seed(0)
    torch.manual_seed(0)
    model = small_model()
    texts = [text for subject in SUBJECTS for text in captions(*subject)]
    tokens = open_clip.SimpleTokenizer(context_length=16)(texts)
    new = torch.stack([draw(*subject, generator) for subject in SUBJECTS * 10])
    before = share_right(model, new, tokens)

    bank = LabelBank.build(texts, load_encoder(encoder_name))
    # All captions here are somewhat alike: only the most similar tenth of the pairs is to count.
    calibration = fit_calibration(bank.embeddings, "quantile", share=0.9)
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-3)
    model.train()
    for step in range(steps):
        chosen = torch.randint(len(SUBJECTS), (BATCH,), generator=generator).tolist()
        images = torch.stack([draw(*SUBJECTS[subject], generator) for subject in chosen])
        mine = [text for subject in chosen for text in captions(*SUBJECTS[subject])]
        index, owner = bank.index(mine), torch.arange(BATCH).repeat_interleave(2)
        targets = bank.targets(index, owner, n_owners=BATCH, calibration=calibration)
        image = model.encode_image(images, normalize=True)
        text = model.encode_text(tokens[index], normalize=True)
        loss = itm_loss(image @ text.T, targets, logit_scale=model.logit_scale.exp())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        if step % 20 == 0 or step == steps - 1:
            print(f"step {step:3d}  loss {loss.item():.3f}")

    after = share_right(model, new, tokens)
    print(f"encoder {bank.encoder_name}: right caption {before:.0%} before, {after:.0%} after")
    return before, after


if __name__ == "__main__":
    main(*sys.argv[1:2])
