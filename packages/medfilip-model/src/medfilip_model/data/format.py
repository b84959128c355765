"""A prepared data set on disk: what `medfilip_model.builders` writes and `data.shards` reads.

    FOLDER/dataset.json              written last: its presence means that the set is complete
    FOLDER/shards/train-00000.arrow  Arrow IPC files (not streams), to be memory-mapped
    FOLDER/shards/train-00000.json   beside each shard, what it holds: an interrupted run goes on

Columns of a shard, one row an image:

    image       binary          the grey square as JPEG or PNG, ``size`` x ``size`` pixels
    id          string          unique in the set
    patient_id  string          splits never share one
    study_id    string          images of one study share a report
    view        string or null  "PA", "AP", "LATERAL", ... as the source has it
    split       string          "train", "valid" or "test"
    findings    string or null  JSON list of `iki_knowledge.Finding` as read, nothing rolled up to
                                broader categories; "[]" for none; null when nothing is known
    report      string or null  the text, kept only where it was asked for
    width       int32           pixels of the image as it was before it was resized, so that boxes
    height      int32           given in its coordinates can be carried over

Keys of dataset.json:

    format        `FORMAT`
    name          of the set, e.g. "mimic-train"
    source        kind ("mimic-cxr", "hub", "folder", "phantom") and where it lay
    config        size, fit ("crop", "pad"), encoding ("jpeg", "png"), quality, shard_rows; choices
    labels        "multi", "single" (one class an image) or "severity" (one class and its severity)
    classes       categories that the set is made to test or train; null: all that are found
    images        rows of all shards
    splits        split -> images
    patients      split -> patients
    counts        category -> split -> images that show it, by findings as read
    shards        in order: file, split, rows, bytes, sha256, key (a hash of all that went in)
    skipped       inputs left out: file, reason
    unmatched     what has no partner: name -> count and the first ids
    versions      of this package, Pillow, pyarrow and the dictionary
"""

import pyarrow as pa

FORMAT = 1
"""Version of the layout."""

MANIFEST = "dataset.json"
SHARDS = "shards"

SCHEMA = pa.schema(
    [
        pa.field("image", pa.binary(), nullable=False),
        pa.field("id", pa.string(), nullable=False),
        pa.field("patient_id", pa.string(), nullable=False),
        pa.field("study_id", pa.string(), nullable=False),
        pa.field("view", pa.string()),
        pa.field("split", pa.string(), nullable=False),
        pa.field("findings", pa.string()),
        pa.field("report", pa.string()),
        pa.field("width", pa.int32(), nullable=False),
        pa.field("height", pa.int32(), nullable=False),
    ],
    metadata={"medfilip": str(FORMAT)},
)
"""Columns of a shard, in this order."""
