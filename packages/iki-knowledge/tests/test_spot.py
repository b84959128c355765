from iki_knowledge.spot import Source, Spot, line_of

TEXT = """\
entries:
  spot:
    name: lung spot
    add_aliases: [dots,
      blots]
    by_severity:
      mild: {explanation: x,
        shows: [a]}
"""


def test_the_line_of_a_key_of_a_list_item_and_of_what_is_nested():
    assert line_of(TEXT, ("entries",)) == 1
    assert line_of(TEXT, ("entries", "spot", "name")) == 3
    assert line_of(TEXT, ("entries", "spot", "aliases", "blots")) == 5
    assert line_of(TEXT, ("entries", "spot", "by_severity", "mild", "shows", "a")) == 8


def test_what_is_missing_is_passed_over():
    assert line_of(TEXT, ("entries", "spot", "parent")) == 2
    assert line_of(TEXT, ("entries", "words", "spot")) == 2
    assert line_of(TEXT, ("regions",)) is None
    assert line_of("", ("entries",)) is None


def test_a_spot_is_written_as_file_and_line():
    source = Source("f.yaml", None, text=TEXT)
    assert str(Spot(source, ("entries", "spot"))) == "f.yaml:2"
    assert str(Spot(source, ("regions",))) == "f.yaml"
    assert str(Spot(Source("f.yaml", None), ("entries",))) == "f.yaml"
