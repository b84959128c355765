"""Only what failed: the output of a finished run, walked along with its input."""

import json
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from gpt_ie.produce import misplaced
from gpt_ie.schema import Rejected, Report, ReportFindings
from gpt_ie.store import Entry, StoreError, failed_path


class Previous:
    """The output and the failures of a finished run; a context manager.

    Both files are in the order of the input, so that one line of each is in memory at a time.
    """

    def __init__(self, out: Path) -> None:
        """Open both files.

        Args:
            out: The output.

        Raises:
            StoreError: When there is no output, or a file cannot be read.
        """
        self._out = out
        self._offset = 0
        failed = failed_path(out)
        with ExitStack() as stack:
            try:
                self._good = stack.enter_context(out.open("rb"))
                self._bad = stack.enter_context(failed.open("rb")) if failed.exists() else None
            except OSError as error:
                raise StoreError(
                    f"cannot read {str(error.filename)!r}: {error.strerror}; only the failures of "
                    "a finished run can be retried"
                ) from error
            self._line = self._good.readline()
            self._failure = self._next_failure()
            self._files = stack.pop_all()

    def __enter__(self) -> "Previous":
        """The walk itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close both files."""
        self._files.close()

    def failed(self, report: Report | Rejected) -> bool:
        """Whether the next failure is that of a report; the walk goes on behind it then.

        Args:
            report: The next of the input.

        Returns:
            Whether it failed.
        """
        if self._failure != (report.report_id, report.row):
            return False
        self._failure = self._next_failure()
        return True

    def kept(self, report: Report) -> tuple[int, Entry] | None:
        """The next line of the output, if it is that of a report; the walk goes on behind it then.

        Args:
            report: The next of the input.

        Returns:
            Where the line starts, in bytes, and the line; None when it is of another report.

        Raises:
            StoreError: When it is no line of findings, or its evidence is not in the report.
        """
        if not self._line:
            return None
        try:
            record = ReportFindings.model_validate_json(self._line)
        except ValidationError as error:
            raise StoreError(f"{str(self._out)!r} is no file of findings") from error
        if record.report_id != report.report_id:
            return None
        if misplaced(report, record) is not None:
            raise self._other(f"the text of {report.report_id!r} is another now")
        found = self._offset, Entry("ok", self._line.decode("utf-8").rstrip("\n"))
        self._offset += len(self._line)
        self._line = self._good.readline()
        return found

    def unknown(self, report: Report | Rejected) -> StoreError:
        """The error for a report that is in neither file.

        Args:
            report: The report.

        Returns:
            What to raise.
        """
        return self._other(f"the report {report.report_id!r} is not next in it or in its failures")

    def check_end(self) -> None:
        """Check that the input had every report of both files.

        Raises:
            StoreError: When it ended before them.
        """
        if self._line or self._failure is not None:
            raise self._other("the input has fewer reports now")

    def _other(self, problem: str) -> StoreError:
        return StoreError(
            f"{str(self._out)!r} was made from other reports than these: {problem}; to retry its "
            "failures, give the reports that it was made from, or extract all of them anew"
        )

    def _next_failure(self) -> tuple[str | None, int | None] | None:
        line = self._bad.readline() if self._bad else b""
        if not line:
            return None
        try:
            value: Any = json.loads(line)
            return value["report_id"], value["row"]
        except (ValueError, KeyError, TypeError) as error:
            raise StoreError(f"{str(failed_path(self._out))!r} is no file of failures") from error
