"""Words with their places in the text, and phrases found among them. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Generic, TypeVar, cast

from iki_knowledge.resolve import singular

T = TypeVar("T")

# Hyphens, underscores and dots are spaces, as in the dictionary's own keys. A dash between spaces
# separates like a comma. Punctuation that bounds scopes is a token of its own.
_TOKEN = re.compile(r"[^\W_]+|[,;:()/?]|(?<=\s)[-\u2013\u2014]+(?=\s)")
# Words removed from de-identified reports; they neither name anything nor part what surrounds them.
_REMOVED = re.compile(r"[xX]{3,}")
_VALUE = ""  # no word is empty, so it can mark the end of a phrase in the tree


@dataclass(frozen=True, slots=True)
class Tokens:
    """The words of one sentence.

    Attributes:
        words: Keys: lower case, singular, American spelling.
        starts: First character of each, counted in the text given.
        ends: One past the last character of each.
    """

    words: tuple[str, ...]
    starts: tuple[int, ...]
    ends: tuple[int, ...]

    def plural(self, position: int) -> bool:
        """Whether a word's key is shorter than what was written, as of "nodules"."""
        return self.ends[position] - self.starts[position] > len(self.words[position])


@lru_cache(maxsize=65536)
def word_key(word: str) -> str:
    """The key of one word, the same that the dictionary uses; "" for a removed word."""
    if _REMOVED.fullmatch(word):
        return ""
    if word[0] in "-\u2013\u2014":
        return ","
    return singular(word.lower())


def tokenise(text: str, start: int = 0, end: int | None = None) -> Tokens:
    """Split a text into words.

    Args:
        text: Any text.
        start: First character to read.
        end: One past the last character to read; None for the end of the text.

    Returns:
        The words between start and end, with places counted in `text`.
    """
    words: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    for match in _TOKEN.finditer(text, start, len(text) if end is None else end):
        key = word_key(match.group())
        if key:
            words.append(key)
            starts.append(match.start())
            ends.append(match.end())
    return Tokens(tuple(words), tuple(starts), tuple(ends))


def keys(text: str) -> frozenset[str]:
    """The keys of the words in a text, as a set to test words against."""
    return frozenset(tokenise(text).words)


@dataclass(frozen=True, slots=True)
class Hit(Generic[T]):
    """A phrase found: tokens ``first`` to ``last`` (exclusive) and what the phrase means."""

    first: int
    last: int
    value: T


class PhraseTree(Generic[T]):
    """Phrases by their words, for finding the longest at each place in one pass."""

    def __init__(self) -> None:
        """An empty tree."""
        self._root: dict[str, Any] = {}

    def add(self, phrase: str, value: T) -> None:
        """Add a phrase; the first meaning of a phrase stays."""
        node = self._root
        for word in tokenise(phrase).words:
            node = node.setdefault(word, {})
        if node is not self._root:
            node.setdefault(_VALUE, value)

    def find(self, words: Sequence[str]) -> list[Hit[T]]:
        """Every phrase among the words: from the left, the longest at each place, no overlap."""
        hits: list[Hit[T]] = []
        root, end, count = self._root, 0, len(words)
        for position, word in enumerate(words):
            if position < end or word not in root:
                continue
            node, last, found = root[word], position + 1, 0
            value: T | None = None
            while node is not None:
                if _VALUE in node:
                    found, value = last, node[_VALUE]
                if last == count:
                    break
                node = node.get(words[last])
                last += 1
            if found:
                hits.append(Hit(position, found, cast("T", value)))
                end = found
        return hits
