from gpt_ie.flat_table import FlatTable
from hypothesis import given
from hypothesis import strategies as st


@given(
    st.lists(
        st.tuples(st.integers(-(2**63), 2**64 - 1) | st.integers(0, 50), st.integers(0, 2**60))
    )
)
def test_it_answers_as_a_dict_does(pairs: list[tuple[int, int]]):
    table, model = FlatTable(), dict[int, int]()
    for key, value in pairs:
        kept = key % 2**64 or 1
        assert table.get(key) == model.get(kept)
        assert table.setdefault(key, value) == model.setdefault(kept, value)
    assert len(table) == len(model)
    assert all(table.get(key) == value for key, value in model.items())


def test_it_grows_and_keeps_what_it_has():
    table = FlatTable()
    # Keys that all want the same slot, and those around it.
    keys = [number << 40 for number in range(1, 60)] + list(range(2, 20_000))
    for key in keys:
        assert table.setdefault(key, key * 2) == key * 2
    assert all(table.get(key) == key * 2 for key in keys)
    assert table.get(20_001) is None
    assert len(table) == len(keys)
