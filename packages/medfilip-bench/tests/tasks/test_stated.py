import numpy as np
import pytest
from iki_knowledge import load_knowledge
from medfilip_bench.datasets.mirror import doubled_halves
from medfilip_bench.errors import NotApplicableError
from medfilip_bench.tasks.stated import fitted
from medfilip_model.statements.fit import taught
from medfilip_model.statements.questions import questions

KB = load_knowledge()


def test_readings_are_the_models_scores_of_the_judged_images(told):
    encoder = told.bench.encoder
    fit, readings = fitted(encoder, told.data, "valid", "test", KB)
    samples = [told.data.images.samples[row] for row in told.data.rows("valid")]
    assert fit.model.categories == taught(samples)
    assert fit.images == len(samples)
    assert (fit.template, fit.normal) == ("paper", encoder.loaded.normal)
    asked = questions(KB, fit.model.categories, template="paper", normal=fit.normal)
    none = [None] * len(asked.prompts)
    whole = asked.whole(encoder.scores(told.data, "test", none, asked.prompts))
    np.testing.assert_allclose(np.stack([one.whole for one in readings]), whole)
    for half, images in doubled_halves(told.data).items():
        first = asked.prompts[: asked.plain]
        scores = encoder.scores(images, "test", [None] * len(first), first)
        np.testing.assert_allclose(np.stack([one.halves[half] for one in readings]), scores)


def test_the_fit_sees_no_judged_image(told):
    first, _ = fitted(told.bench.encoder, told.data, "valid", "test", KB)
    other, readings = fitted(told.bench.encoder, told.data, "valid", "valid", KB)
    assert first == other
    assert len(readings) == first.images


def test_too_few_images_do_not_apply(told, labelled):
    with pytest.raises(NotApplicableError, match="5 images of the split 'valid' are too few"):
        fitted(told.bench.random, labelled(), "valid", "test", KB)
