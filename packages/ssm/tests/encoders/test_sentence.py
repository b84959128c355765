import shutil

import pytest
import torch
from ssm import EncoderError, load_encoder
from ssm.encoders.minilm import minilm_folder

TEXTS = ["a small dog", "a sailing boat at sunset on a quiet sea", "two pianists"]


@pytest.mark.slow
def test_the_same_weights_through_sentence_transformers(minilm):
    """An independent implementation of tokenising, truncating and mean pooling."""
    encoder = load_encoder(f"st:{minilm_folder()}", device="cpu")
    long = " ".join(f"word{i} boat" for i in range(300))
    found = encoder.encode([*TEXTS, long], batch_size=2, progress=True)
    torch.testing.assert_close(found, minilm.encode([*TEXTS, long]), atol=1e-5, rtol=0)
    assert encoder.dim == 384
    assert encoder.name == f"st:{minilm_folder()}"
    assert encoder.encode([]).shape == (0, 384)
    assert not found.is_inference()
    assert encoder.fingerprint != minilm.fingerprint
    assert load_encoder(f"st:{minilm_folder()}", device="cpu").fingerprint == encoder.fingerprint


def test_no_such_model(tmp_path, tiny_bert):
    folder = shutil.copytree(tiny_bert, tmp_path / "copy")
    (folder / "modules.json").write_text("{")
    with pytest.raises(EncoderError, match="cannot be read"):
        load_encoder(f"st:{folder}", device="cpu")
