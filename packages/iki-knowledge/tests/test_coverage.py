import re

from iki_knowledge.coverage import coverage


def rows(table: str) -> dict[str, list[str]]:
    found = [re.split(r" \| ", line.strip("| ")) for line in table.splitlines()]
    return {cells[0]: cells[1:] for cells in found}


def test_the_counts_are_those_of_the_data(kb):
    content, codes, classes = coverage(kb).split("\n\n")
    entries = kb.entries.values()
    assert rows(content)["categories"][0].split(",")[0] == str(len(kb))
    assert rows(content)["look-alikes told apart"] == [
        str(sum(len(e.look_alikes) for e in entries))
    ]
    written = [line.split(" | ") for line in codes.splitlines()[2:]]
    assert sum(int(line[2]) for line in written) == sum(len(e.codes) for e in entries)
    for line in written:
        assert int(line[2]) == sum(int(cell.rstrip(" |")) for cell in line[4:])
    for dataset in kb.crosswalks:
        labels, mapped, categories = map(int, rows(classes)[f"`{dataset}`"])
        assert labels == mapped + len(kb.unmapped.get(dataset, {}))
        assert mapped == len(kb.classes(dataset))
        assert 1 <= categories <= mapped
