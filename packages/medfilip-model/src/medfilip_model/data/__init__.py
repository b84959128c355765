"""Images and findings from any source, as one `ImageSet` that training and benchmarks read."""

from medfilip_model.data.collate import Batch, collate
from medfilip_model.data.findings import read_findings, with_findings
from medfilip_model.data.folder import load_folder
from medfilip_model.data.phantoms import load_phantoms
from medfilip_model.data.pixels import load_image
from medfilip_model.data.samples import ImageSet, Sample

__all__ = [
    "Batch",
    "ImageSet",
    "Sample",
    "collate",
    "load_folder",
    "load_image",
    "load_phantoms",
    "read_findings",
    "with_findings",
]
