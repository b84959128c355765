"""Statements about an image, judged by what a model reads in it: arrays and findings, no model.

``questions`` say what to ask of the image, ``facts`` what findings say, ``gaussian`` and
``evidence`` how the one shows in the other, ``fit`` learns it from held-out images, ``judge`` gives
the verdicts. `medfilip_model.consistency` does it for a model of this package.
"""
