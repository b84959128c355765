import base64
import io
import re

import numpy as np
from medfilip_app.page.answers import Place
from medfilip_app.page.gallery import Opened
from medfilip_app.page.picture import figure
from PIL import Image

GREY = np.full((64, 64), 100, np.uint8)
IMAGE = Opened("t", "<b>scan</b>.png", "64 × 64 pixels", GREY[:32, :32], GREY)


def layers(html: str) -> list[np.ndarray]:
    return [
        np.asarray(Image.open(io.BytesIO(base64.b64decode(found))))
        for found in re.findall(r'src="data:image/jpeg;base64,([^"]+)"', html)
    ]


def test_an_image_alone_has_no_slider():
    html = figure(IMAGE)
    assert len(layers(html)) == 1
    assert "range" not in html
    assert "&lt;b&gt;scan&lt;/b&gt;.png" in html
    assert "<b>scan" not in html


def test_the_heatmap_lies_over_the_image():
    values = np.zeros((32, 32), np.float32)
    values[:8, :8] = 1.0
    html = figure(IMAGE, Place("occlusion", values, 0.0, 2.0), "pleural <effusion>")
    plain, heat = layers(html)
    assert np.abs(plain.astype(int) - 100).max() < 4
    assert heat.shape == (64, 64, 3)
    # In colour where the map is above its floor, and only there.
    assert np.ptp(heat[4, 4].astype(int)) > 30
    assert np.ptp(heat[50, 50].astype(int)) < 6
    assert 'type="range"' in html
    assert "Heatmap of pleural &lt;effusion&gt;" in html
    assert "2.00" in html


def test_a_class_that_no_place_shows_is_said():
    html = figure(IMAGE, Place("occlusion", np.full((32, 32), -1, np.float32), 0.0, 1.0), "mass")
    assert "No place speaks for mass" in html
