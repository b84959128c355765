import logging
import warnings

import pytest
from medfilip_model.export.quiet import quiet


def test_remarks_are_hidden_and_errors_are_not(caplog: pytest.LogCaptureFixture):
    log = logging.getLogger("a.library")
    with caplog.at_level(logging.WARNING, "a.library"), quiet("a.library"):
        warnings.warn("would fail the test", stacklevel=1)
        log.warning("hidden")
        log.error("shown")
        with pytest.raises(ValueError, match="raised"):
            raise ValueError("raised")
    assert [record.message for record in caplog.records] == ["shown"]


def test_afterwards_all_is_as_it_was():
    log = logging.getLogger("a.library")
    log.setLevel(logging.INFO)
    filters = list(warnings.filters)
    with quiet("a.library"):
        pass
    assert log.level == logging.INFO
    assert list(warnings.filters) == filters
