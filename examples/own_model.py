"""A model of your own in the benchmark: uv run medfilip-bench all --model own_model:load"""

import open_clip
import torch


class MyModel:
    size = 224  # side of the images it is given
    trained_on = "nothing: random weights"

    def __init__(self):
        torch.manual_seed(0)
        self.net = open_clip.create_model("RN50", pretrained=None).eval()
        self.words = open_clip.get_tokenizer("RN50")

    def encode_image(self, images):  # [N, 1, H, W] grey values 0..255 -> [N, D]
        return self.net.encode_image(images.expand(-1, 3, -1, -1) / 255)

    def encode_text(self, texts):  # M texts -> [M, D]
        return self.net.encode_text(self.words(list(texts)))


def load():
    return MyModel()
