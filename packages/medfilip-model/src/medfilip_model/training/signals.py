"""SIGTERM and the first SIGINT ask a run to save and stop, as preemptible machines do."""

import signal
import threading
from types import FrameType, TracebackType


class StopSignals:
    """Notes, while it is entered, that a signal asked to stop.

    The first SIGINT only asks; a second one interrupts at once. Outside the main thread, where
    Python takes no signal handlers, nothing is changed.

    Attributes:
        received: Name of the signal that came; None so far.
    """

    def __init__(self) -> None:
        self.received: str | None = None
        self._before: dict[signal.Signals, object] = {}

    def __enter__(self) -> "StopSignals":
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGTERM, signal.SIGINT):
                self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            # None stands for a handler that was not set from Python: it cannot be put back.
            signal.signal(number, handler or signal.SIG_DFL)  # pyright: ignore[reportArgumentType]

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.received = signal.Signals(number).name
        if number == signal.SIGINT:
            signal.signal(signal.SIGINT, signal.default_int_handler)
