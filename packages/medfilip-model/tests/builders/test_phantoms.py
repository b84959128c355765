import numpy as np
import pytest
from medfilip_model.builders import BuildOptions, build_phantoms
from medfilip_model.data.shards import load_prepared
from medfilip_model.errors import ConfigError
from medfilip_model.phantom import SEEN_CATEGORIES, PhantomConfig, generate


def test_phantoms_are_stored_as_they_are_drawn(kb, tmp_path):
    options = BuildOptions(size=48, encoding="png", workers=1)
    config = PhantomConfig(seed=5)
    built = build_phantoms(10, tmp_path, kb, config=config, options=options, reports=True)
    assert built.splits == {"train": 7, "valid": 1, "test": 2}
    assert built.classes == SEEN_CATEGORIES
    images = load_prepared(tmp_path, kb, size=48)
    phantom = generate(config.model_copy(update={"size": 48}), 0)
    assert images.samples[0].id == phantom.id
    assert images.samples[0].findings == phantom.findings
    assert phantom.report.impression in images.samples[0].report
    shown = images.pixels[np.array([0])][0] / 255
    assert np.abs(shown - phantom.image).max() <= 0.5 / 255 + 1e-6
    with pytest.raises(ConfigError, match="n is 0; ask for 1 phantom or more"):
        build_phantoms(0, tmp_path, kb)
