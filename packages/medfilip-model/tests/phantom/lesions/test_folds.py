import numpy as np
from medfilip_model.phantom.anatomy import trace_contours
from medfilip_model.phantom.body import build_body
from medfilip_model.phantom.grid import make_grid
from medfilip_model.phantom.lesions.folds import skin_fold
from medfilip_model.phantom.patient import draw_patient


def test_a_fold_is_one_edge_that_fades_and_no_line():
    patient = draw_patient(np.random.default_rng(1))
    grid = make_grid(128, scale=1.0, shift=(0.0, 0.0), tilt=0.0)
    body = build_body(grid, patient, trace_contours(patient, grid), np.random.default_rng(0))
    for seed in range(5):
        fold = skin_fold(body, np.random.default_rng(seed))
        assert fold.min() >= 0
        assert 0.03 < fold.max() < 0.16
        row = fold[np.unravel_index(fold.argmax(), fold.shape)[0]]
        steps = np.abs(np.diff(row))
        peak = int(row.argmax())
        beside = sorted((row[max(peak - 4, 0)], row[min(peak + 4, 127)]))
        assert beside[0] < 0.2 * row.max() < 0.4 * row.max() < beside[1], "sharp on one side only"
        assert (steps > 0.3 * row.max()).sum() <= 2
