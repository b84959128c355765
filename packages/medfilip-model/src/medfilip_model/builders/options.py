"""How images are stored: one frozen config that every builder takes."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from medfilip_model.data.decode import Fit

_SHARD_BYTES = 256 * 1024 * 1024
# Bytes a pixel of stored radiographs at JPEG quality 95 and as PNG, on the high side.
_BYTES_A_PIXEL = {"jpeg": 0.5, "png": 0.8}


class BuildOptions(BaseModel):
    """How images are stored.

    Attributes:
        size: Side of the stored squares in pixels.
        fit: ``crop``: short side to `size`, then the centre; ``pad``: long side to `size`, then
            black on both sides.
        encoding: ``jpeg``, or ``png`` without loss.
        quality: Of JPEG.
        shard_rows: Images a shard; None: about 256 MB.
        workers: Processes that decode.
        verify: Whether the hash of a shard of an earlier run is compared before it is kept, not its
            length alone.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    size: Annotated[int, Field(ge=16, le=4096)] = 448
    fit: Fit = "crop"
    encoding: Literal["jpeg", "png"] = "jpeg"
    quality: Annotated[int, Field(ge=1, le=100)] = 95
    shard_rows: Annotated[int, Field(ge=1)] | None = None
    workers: Annotated[int, Field(ge=1)] = 2
    verify: bool = False

    @property
    def rows(self) -> int:
        """Images a shard."""
        if self.shard_rows is not None:
            return self.shard_rows
        image = self.size * self.size * _BYTES_A_PIXEL[self.encoding]
        return max(1, int(_SHARD_BYTES / image))

    @property
    def stored(self) -> dict[str, str | int]:
        """All that changes what is written; workers and `verify` do not."""
        return {
            "size": self.size,
            "fit": self.fit,
            "encoding": self.encoding,
            "quality": self.quality if self.encoding == "jpeg" else 0,
            "shard_rows": self.rows,
        }
