"""Messages name the value, the near names and what is allowed."""

from medfilip_bench.errors import UnknownNameError


def test_near_names_are_suggested():
    error = UnknownNameError("task", "retreival", ["retrieval", "unseen"])
    assert str(error) == (
        "unknown task 'retreival'; did you mean 'retrieval'? allowed: retrieval, unseen"
    )


def test_nothing_near_lists_what_is_allowed():
    assert str(UnknownNameError("task", "zzz", ["unseen"])) == "unknown task 'zzz'; allowed: unseen"
