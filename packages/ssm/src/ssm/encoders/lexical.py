"""An encoder without weights: which words and letter groups two texts share."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from ssm.encoders.protocol import check_texts, fingerprint, require_extra
from ssm.similarity import normalise

_VERSION = 1  # Raise it when encode() would give other numbers.
_BLOCK = 4096  # Texts hashed at a time; bounds memory.
# Signed hashing (scikit-learn's default) keeps what collisions add near zero on average.
_SHARED: dict[str, Any] = {"n_features": 1024, "norm": None}
_WORDS: dict[str, Any] = {"ngram_range": (1, 2), "token_pattern": r"(?u)\b\w+\b"}
_LETTERS: dict[str, Any] = {"ngram_range": (3, 5), "analyzer": "char_wb"}


@dataclass(frozen=True)
class LexicalEncoder:
    """Hashed counts of words, word pairs and groups of 3-5 letters, damped by log(1 + count).

    There is no inverse document frequency: it would need the whole corpus, so that a text's vector
    would change with the company it keeps, and a bank could neither be appended to nor shared.
    Here the vector depends on the text alone.
    """

    name: str
    dim: int
    fingerprint: str

    def encode(
        self, texts: Sequence[str], *, batch_size: int = 64, progress: bool = False
    ) -> Float[Tensor, "M D"]:
        """Encode texts as float32 rows of length 1; see ``TextEncoder.encode``.

        Some thousand texts a second: no bar is shown, and the batch size is its own.
        """
        from sklearn.feature_extraction.text import HashingVectorizer

        del batch_size, progress
        checked = check_texts(texts)
        result = torch.zeros(len(checked), self.dim)
        hashers = [HashingVectorizer(**_SHARED, **options) for options in (_WORDS, _LETTERS)]
        for start in range(0, len(checked), _BLOCK):
            rows = slice(start, start + _BLOCK)
            halves = [_damp(hasher.transform(checked[rows])) for hasher in hashers]
            result[rows] = normalise(torch.cat(halves, dim=1))
        # Signed counts of a text of two signs can cancel: it is then like itself alone.
        for row in (result.norm(dim=1) == 0).nonzero()[:, 0].tolist():
            column = hashlib.sha256(checked[row].encode()).digest()[:4]
            result[row, int.from_bytes(column) % self.dim] = 1
        return result


def load_lexical() -> LexicalEncoder:
    """The lexical encoder.

    Raises:
        EncoderUnavailableError: scikit-learn is not installed.
    """
    require_extra("lexical", "sklearn", "lexical")
    mark = fingerprint(
        kind="lexical",
        version=_VERSION,
        settings=repr((_SHARED, _WORDS, _LETTERS)),
        # The word splitter is scikit-learn's: another version may split otherwise.
        sklearn=version("scikit-learn"),
    )
    return LexicalEncoder(name="lexical", dim=2 * _SHARED["n_features"], fingerprint=mark)


def _damp(counts: Any) -> Tensor:  # noqa: ANN401 - scipy's sparse matrices are untyped
    """Sublinear counts of one half, scaled so that words and letters weigh the same."""
    dense = counts.toarray()
    return normalise(torch.from_numpy(np.sign(dense) * np.log1p(np.abs(dense))).float())
