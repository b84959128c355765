"""The data sets: what is pinned of them, how their official layouts are read, their twins."""

from medfilip_bench.datasets.find import COMMON, READERS, find, read

__all__ = ["COMMON", "READERS", "find", "read"]
