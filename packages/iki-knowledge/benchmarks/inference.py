"""How often the right category is inferred from attributes when some of them are misread.

    uv run python packages/iki-knowledge/benchmarks/inference.py [--flipped 0.1] [--repeats 200]

Takes each category's own attributes, flips a tenth of all bits at random, and asks `kb.infer`.
Beside it the same for each subclass: is its category first, and among those is the subclass named?
Prints the shares, the categories that are mistaken most, and for what.
"""

import argparse
import random
from collections import Counter
from collections.abc import Set

from iki_knowledge import KnowledgeBase, load_knowledge
from iki_knowledge.infer import subclass_attributes


def misread(
    shown: Set[str], names: tuple[str, ...], flipped: float, draw: random.Random
) -> dict[str, float]:
    """The scores of a picture with a share of its bits flipped."""
    wrong = set(draw.sample(names, round(flipped * len(names))))
    return {name: float((name in shown) != (name in wrong)) for name in names}


def categories(kb: KnowledgeBase, flipped: float, repeats: int, seed: int) -> None:
    """Print how often a category is first, and among the first three."""
    draw = random.Random(seed)
    names = tuple(attribute.id for attribute in kb.attributes)
    first = third = 0
    mistaken: Counter[tuple[str, str]] = Counter()
    for name in kb:
        for _ in range(repeats):
            found = kb.infer(misread(set(kb[name].attributes), names, flipped, draw))
            order = [item.category for item in found[:3]]
            first += order[0] == name
            third += name in order
            if order[0] != name:
                mistaken[name, order[0]] += 1
    total = len(kb) * repeats
    print(f"{len(kb)} categories, {len(names)} attributes, {round(flipped * len(names))} flipped")
    print(f"category first       {first / total:.4f}")
    print(f"category in first 3  {third / total:.4f}")
    for (name, other), count in mistaken.most_common(8):
        print(f"  {name} taken for {other}: {count / repeats:.3f}")


def subclasses(kb: KnowledgeBase, flipped: float, repeats: int, seed: int) -> None:
    """Print how often the category of a subclass is first, and how often the subclass is named."""
    draw = random.Random(seed)
    names = tuple(attribute.id for attribute in kb.attributes)
    first = named = total = 0
    for entry in kb.entries.values():
        for key in (*entry.by_severity, *entry.by_place):
            for _ in range(repeats):
                seen = misread(subclass_attributes(entry, key), names, flipped, draw)
                best = kb.infer(seen)[0]
                total += 1
                first += best.category == entry.id
                named += best.category == entry.id and key in (best.severity, best.place)
    print(f"{total // repeats} subclasses")
    print(f"its category first   {first / total:.4f}")
    print(f"and it is named      {named / total:.4f}")


def main() -> None:
    """Read the options and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--flipped", type=float, default=0.1)
    parser.add_argument("--repeats", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    kb = load_knowledge()
    categories(kb, options.flipped, options.repeats, options.seed)
    subclasses(kb, options.flipped, max(1, options.repeats // 4), options.seed)


if __name__ == "__main__":
    main()
