"""Several devices: sentence-transformers' own pool of processes, one for each device."""

import multiprocessing
import weakref
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from ssm.errors import EncoderError

_BATCHES_EACH = 8  # Per device between two steps of the progress bar, where the devices meet.


class Workers:
    """A pool that starts at its first use and lives until it fails, is closed or is forgotten.

    To start takes seconds (each process imports torch anew), and a bank encodes block by block:
    so the processes stay between calls.
    """

    def __init__(
        self, name: str, devices: Sequence[torch.device], build: Callable[[], Any]
    ) -> None:
        """Prepare; ``build`` returns the SentenceTransformer, on the CPU, when it is needed."""
        self._name = name
        self._devices = [str(device) for device in devices]
        self._build = build
        self._running: tuple[Any, Any] | None = None
        self._stop: weakref.finalize[Any, Any] | None = None

    @property
    def at_once(self) -> int:
        """Batches to hand over in one call, so that every device has some."""
        return len(self._devices) * _BATCHES_EACH

    def vectors(self, texts: Sequence[str], *, batch_size: int) -> Tensor:
        """Encode texts on all devices, in their order.

        Raises:
            EncoderError: A process died.
        """
        try:
            model, pool = self._running or self._start()
            return model.encode(
                list(texts),
                pool=pool,
                batch_size=batch_size,
                chunk_size=batch_size,
                convert_to_tensor=True,
                show_progress_bar=False,
            )
        except BaseException as error:
            # An interrupt too: the queues still hold chunks of this call, and processes live on.
            self.close()
            if isinstance(error, RuntimeError) and "died unexpectedly" in str(error):
                raise EncoderError(
                    f"encoder {self._name!r}: a process of devices={self._devices} died ({error}). "
                    "They start anew from the main script, so its work must stand under "
                    "'if __name__ == \"__main__\":'; else look for too little memory"
                ) from error
            raise

    def close(self) -> None:
        """Stop the processes; a later call starts new ones."""
        stop, self._running, self._stop = self._stop, None, None
        if stop is not None:
            stop()

    def _start(self) -> tuple[Any, Any]:
        model = self._build()
        before = set(multiprocessing.active_children())
        try:
            pool = model.start_multi_process_pool(self._devices)
        except BaseException:
            # The pool is not ours to stop then, only the processes it had begun.
            for process in set(multiprocessing.active_children()) - before:
                process.terminate()
            raise
        self._stop = weakref.finalize(self, model.stop_multi_process_pool, pool)
        self._running = model, pool
        return self._running
