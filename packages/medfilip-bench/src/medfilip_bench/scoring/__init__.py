"""Scores → table rows: every metric with its interval, by both threshold protocols."""

from medfilip_bench.scoring.classes import ClassScores, score_classes
from medfilip_bench.scoring.drawn import Drawn
from medfilip_bench.scoring.masks import MaskScores, score_masks
from medfilip_bench.scoring.naming import ClassName, Resampling
from medfilip_bench.scoring.seeds import SeedScores, SeedTable, across_seeds, seed_table
from medfilip_bench.scoring.single import SingleScores, chosen, score_single

__all__ = [
    "ClassName",
    "ClassScores",
    "Drawn",
    "MaskScores",
    "Resampling",
    "SeedScores",
    "SeedTable",
    "SingleScores",
    "across_seeds",
    "chosen",
    "score_classes",
    "score_masks",
    "score_single",
    "seed_table",
]
