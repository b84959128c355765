"""How many of Open-i's human MeSH codes the dictionary maps to a category or to "normal".

    uv run python packages/gpt-ie/benchmarks/openi_mesh.py

Reads the codes from the installed torchxrayvision. "No Indexing" and "Technical Quality of Image
Unsatisfactory" say nothing of the patient and are left out.
"""

from collections import Counter

from gpt_ie.samples import openi_codes
from iki_knowledge import load_knowledge

DROPPED = ("No Indexing", "Technical Quality of Image Unsatisfactory")


def main() -> None:
    """Print the share, what each category collects, and every code without a category."""
    kb = load_knowledge()
    terms = Counter(
        code for _, codes in openi_codes() for code in codes if code.split("/")[0] not in DROPPED
    )
    categories: Counter[str] = Counter()
    unmapped: Counter[str] = Counter()
    for term, count in terms.items():
        finding = kb.read_label("openi_mesh", term)
        if finding is not None:
            categories[finding.category] += count
        elif term != "normal":
            unmapped[term] += count
    total = terms.total()
    mapped = total - unmapped.total()
    print(f"{total} codes, {len(terms)} of them different")
    print(f'with a category or "normal"  {mapped} = {mapped / total:.4f}')
    print(f"{len(categories)} categories: {dict(categories.most_common())}")
    print(f"without a category: {dict(unmapped.most_common())}")


if __name__ == "__main__":
    main()
