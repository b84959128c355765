"""A matrix in JSON: its shape, and its numbers as base64 of 32-bit floats, little end first."""

import base64
import binascii
from functools import cached_property

import numpy as np
from jaxtyping import Float
from pydantic import NonNegativeInt, model_validator

from medfilip_model.config.base import Frozen


class Packed(Frozen):
    """A matrix of finite numbers.

    Attributes:
        shape: Rows and columns.
        data: The numbers, row by row.
    """

    shape: tuple[NonNegativeInt, NonNegativeInt]
    data: str

    @classmethod
    def of(cls, values: Float[np.ndarray, "R C"]) -> "Packed":
        """Pack a matrix; seven digits of each number are kept."""
        rows, columns = values.shape
        data = base64.b64encode(values.astype("<f4").tobytes()).decode("ascii")
        return cls(shape=(rows, columns), data=data)

    @cached_property
    def values(self) -> Float[np.ndarray, "R C"]:
        """The matrix, as 64-bit floats."""
        numbers = np.frombuffer(base64.b64decode(self.data, validate=True), dtype="<f4")
        return numbers.astype(np.float64).reshape(self.shape)

    # Not by the numbers that `values` keeps beside the fields: arrays are not equal or different.
    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Packed):
            return NotImplemented
        return (self.shape, self.data) == (other.shape, other.data)

    def __hash__(self) -> int:
        return hash((self.shape, self.data))

    @model_validator(mode="after")
    def _whole(self) -> "Packed":
        try:
            values = self.values
        except (binascii.Error, ValueError) as error:
            raise ValueError(f"no matrix of {self.shape[0]} x {self.shape[1]}: {error}") from error
        if not np.isfinite(values).all():
            raise ValueError("a number is not finite")
        return self
