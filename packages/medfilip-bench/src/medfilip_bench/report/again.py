"""The report of a results folder once more: from its records and what its results.json keeps."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from medfilip_bench.errors import ResultError
from medfilip_bench.report.write import RESULTS, Written, write_report
from medfilip_bench.results import read_results


class Unmeasured(BaseModel):
    """What no record holds: the tasks of the last whole run that have no result, and why.

    Attributes:
        format: Version of the layout of results.json; the first did not name it.
        failures: Tasks that failed, each in a line.
        passed_over: Tasks that model or data set cannot have, each in a line.
    """

    # Tables, summary and records stand in the file too; those are made anew.
    model_config = ConfigDict(frozen=True, extra="ignore")

    format: Literal[1] = 1
    failures: tuple[str, ...]
    passed_over: tuple[str, ...]


def write_again(folder: Path) -> Written:
    """Write the report of a results folder from what lies in it, as `run_all` wrote it.

    Args:
        folder: The results folder; without a results.json no task is said to lack a result.

    Returns:
        Where the report is.

    Raises:
        ResultError: If there is no record, or one, or results.json, is damaged.
    """
    records = read_results(folder)
    lacking = _unmeasured(folder / RESULTS)
    return write_report(records, folder, lacking.failures, passed_over=lacking.passed_over)


def _unmeasured(path: Path) -> Unmeasured:
    if not path.is_file():
        return Unmeasured(failures=(), passed_over=())
    try:
        return Unmeasured.model_validate_json(path.read_bytes())
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise ResultError(
            f"{str(path)!r} does not say which tasks have no result "
            f"({f'{where}: ' if where else ''}{first['msg']}); run `medfilip-bench all` again, or "
            "delete it: the report then names none"
        ) from error
