"""How often a text encoder finds an explanation from a paraphrase of it, among all explanations.

    uv run python packages/iki-knowledge/benchmarks/paraphrases.py [SET ...]

Reads the sets under ``tests/paraphrases``, all three where none is named, and encodes with the
packaged MiniLM of medfilip-ssm. Each text says the content of one explanation, two a category:

- `restated`: in other sentences that keep the field's own terms, as a colleague would;
- `reworded`: with most of the words replaced as well, down to "the tips of the lungs";
- `described`: the same picture as a resident would describe it, freely.
"""

import argparse
from pathlib import Path

import yaml
from iki_knowledge import load_knowledge
from ssm import load_encoder

FOLDER = Path(__file__).parents[1] / "tests" / "paraphrases"
SETS = ("restated", "reworded", "described")


def main() -> None:
    """Print for each set how often the right explanation is first, and in the first three."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("sets", nargs="*", metavar="SET", help=f"of {', '.join(SETS)}")
    chosen = parser.parse_args().sets or SETS
    if unknown := set(chosen) - set(SETS):
        parser.error(f"there is no set {', '.join(sorted(unknown))}")
    kb = load_knowledge()
    encoder = load_encoder("minilm")
    categories = list(kb)
    explained = encoder.encode([kb.explain(category) for category in categories])
    for folder in chosen:
        pairs: list[tuple[int, str]] = []
        for file in sorted((FOLDER / folder).glob("*.yaml")):
            for category, texts in yaml.safe_load(file.read_text("utf-8")).items():
                pairs += [(categories.index(category), text) for text in texts]
        similarity = encoder.encode([text for _, text in pairs]) @ explained.T
        own = [row[right] for row, (right, _) in zip(similarity, pairs, strict=True)]
        ranks = [int((row > mine).sum()) for row, mine in zip(similarity, own, strict=True)]
        first = sum(rank == 0 for rank in ranks) / len(ranks)
        third = sum(rank < 3 for rank in ranks) / len(ranks)
        print(f"{folder}: {len(pairs)} texts, {len(categories)} explanations")
        print(f"  right one first          {first:.4f}")
        print(f"  right one in first three {third:.4f}")
        missed = [n for n, rank in enumerate(ranks) if rank > 0]
        for n in missed[:12]:
            print(f"    {categories[pairs[n][0]]} -> {categories[int(similarity[n].argmax())]}")


if __name__ == "__main__":
    main()
