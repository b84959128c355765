"""What the benchmarks encode, and with what: captions by chance, and BERT of random weights."""

import random

import torch
from ssm import normalise
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from torch import Tensor
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

CREATURES = ("dog", "cat", "horse", "heron", "fox", "goat", "child", "farmer", "cyclist", "hare")
WORDS = {
    "size": ("small", "large", "tall", "young", "old", "thin", "sleepy", "restless"),
    "colour": ("brown", "white", "black", "grey", "red", "yellow", "spotted", "pale"),
    "act": ("stands", "sits", "rests", "waits", "walks slowly", "turns around", "looks up"),
    "ground": (
        "wet grass",
        "deep snow",
        "gravel path",
        "wooden floor",
        "sandy beach",
        "stone wall",
    ),
    "thing": ("bench", "gate", "fence", "bridge", "fountain", "cart", "lamp post", "oak tree"),
    "time": ("early in the morning", "at noon", "in the evening light", "just before the rain"),
}
ENDINGS = (
    "",
    "while two people in {colour} coats watch from the {thing}",
    "and a {colour} {thing} casts its long shadow over the {ground}",
    "with a {size} {thing} on the left, and nobody else in sight",
)


def captions(count: int, rng: random.Random) -> dict[str, str]:
    """Distinct captions of about 20 to 40 words, each with its category."""
    found: dict[str, str] = {}
    while len(found) < count:
        creature = rng.choice(CREATURES)
        pattern = (
            f"a {{size}} {{colour}} {creature} {{act}} on the {{ground}} near a {{colour}} "
            f"{{thing}} {{time}} and {{act}} next to the {{thing}} {rng.choice(ENDINGS)}"
        )
        parts = pattern.split("{")
        filled = [rng.choice(WORDS[key]) + rest for key, rest in (p.split("}") for p in parts[1:])]
        found[(parts[0] + "".join(filled)).strip()] = creature
    return found


def make_tokenizer(texts: list[str]) -> PreTrainedTokenizerFast:
    """A tokenizer whose words are those of the texts."""
    words = sorted({word for text in texts for word in text.replace(",", " , ").split()})
    vocab = {word: place for place, word in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", *words])}
    tokenizer = Tokenizer(models.WordPiece(vocab, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="[PAD]")


class Encoder:
    """BERT of random weights with mean pooling, texts of like length together, in batches of 32."""

    def __init__(self, texts: list[str], config: BertConfig, device: str) -> None:
        torch.manual_seed(0)
        self.tokenizer = make_tokenizer(texts)
        self.model = BertModel(config, add_pooling_layer=False).eval().to(device)
        self.device = device

    @torch.no_grad()
    def __call__(self, texts: list[str]) -> Tensor:
        """Unit rows, on the device."""
        order = sorted(range(len(texts)), key=lambda i: -len(texts[i]))
        rows = torch.zeros(len(texts), self.model.config.hidden_size, device=self.device)
        for start in range(0, len(order), 32):
            chosen = order[start : start + 32]
            tokens = self.tokenizer([texts[i] for i in chosen], padding=True, return_tensors="pt")
            ids, mask = (tokens[key].to(self.device) for key in ("input_ids", "attention_mask"))
            hidden = self.model(input_ids=ids, attention_mask=mask).last_hidden_state
            rows[chosen] = (hidden * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)
        return normalise(rows)
