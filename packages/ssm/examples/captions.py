"""Soft targets in a CLIP-style loop: several captions an image, many of them nearly alike.

Two linear maps learn to bring images (here random features that depend on the subject) and captions
together. Run: uv run python packages/ssm/examples/captions.py [ENCODER]
"""

import sys

import torch
from ssm import LabelBank, itm_loss, load_encoder, normalise

CAPTIONS = {
    "dog": ["a small brown dog asleep on a sofa", "a puppy naps on the couch"],
    "cat": ["a tabby cat on a window sill", "a cat looks out of the window"],
    "boat": ["a sailing boat at sunset", "a yacht on the evening sea"],
    "soup": ["a bowl of tomato soup with basil", "hot soup in a white bowl"],
    "piano": ["a pianist at a grand piano", "someone plays the piano on a stage"],
    "beach": ["a crowded beach in summer", "people lie in the sun by the sea"],
}
PER_SUBJECT = 20


def main(encoder_name: str = "minilm", steps: int = 150) -> float:
    """Train, and return the share of images whose best caption is about their subject."""
    generator = torch.Generator().manual_seed(0)
    subjects = [subject for subject in CAPTIONS for _ in range(PER_SUBJECT)]
    texts = [caption for captions in CAPTIONS.values() for caption in captions]
    bank = LabelBank.build(texts, load_encoder(encoder_name))

    prototypes = torch.randn(len(CAPTIONS), 32, generator=generator)
    images = prototypes.repeat_interleave(PER_SUBJECT, dim=0)
    images = images + torch.randn(images.shape, generator=generator)
    # One row of `rows` an image: its captions, as indices into the bank.
    rows = torch.stack([bank.index(CAPTIONS[subject]) for subject in subjects])

    torch.manual_seed(0)
    image_tower, text_tower = torch.nn.Linear(32, 64), torch.nn.Embedding(len(bank), 64)
    log_scale = torch.nn.Parameter(torch.tensor(2.0))
    parameters = [*image_tower.parameters(), *text_tower.parameters(), log_scale]
    optimiser = torch.optim.AdamW(parameters, lr=1e-2)
    for _ in range(steps):
        batch = torch.randint(len(images), (16,), generator=generator)
        index = rows[batch].flatten()
        owner = torch.arange(len(batch)).repeat_interleave(rows.shape[1])
        targets = bank.targets(index, owner)
        image, text = image_tower(images[batch]), text_tower(index)
        similarity = normalise(image) @ normalise(text).T
        loss = itm_loss(similarity, targets, logit_scale=log_scale.exp())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()

    with torch.no_grad():
        similarity = normalise(image_tower(images)) @ normalise(text_tower.weight).T
    best = [bank.texts[row] for row in similarity.argmax(dim=1).tolist()]
    right = sum(caption in CAPTIONS[s] for caption, s in zip(best, subjects, strict=True))
    share = right / len(subjects)
    print(f"encoder {bank.encoder_name}: loss {loss.item():.3f}, right subject {share:.0%}")
    return share


if __name__ == "__main__":
    main(*sys.argv[1:2])
