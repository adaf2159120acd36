"""Map a function over many items on the workers of a Dask cluster; Dask is an optional package."""

import logging
from asyncio import CancelledError
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from LumbarHULib.core.errors import InputError
from LumbarHULib.headless.input_identity import program_sha256
from LumbarHULib.headless.worker_processes import WorkerDied

if TYPE_CHECKING:
    from distributed import Client, Future

Item = TypeVar("Item")
Result = TypeVar("Result")

# Items submitted at a time for each thread of the cluster: enough to keep it busy, without a million items in the
# scheduler.
_AHEAD = 4
_TIMEOUT_S = 20

# Dask logs a lost scheduler here, with a traceback; LumbarHU reports it in a sentence instead.
_LOGGER = "distributed.client"


def map_on_dask(
    function: Callable[[Item], Result], items: Iterable[Item], address: str
) -> Generator[tuple[int, Result | WorkerDied], None, None]:
    """Yield the number of each item and the result of `function`, as `worker_processes.map_on_processes` does.

    Parameters
    ----------
    function : callable
        From a module that the workers can import.
    items : iterable
        Consumed as the cluster proceeds.
    address : str
        Address of the scheduler, such as ``tcp://127.0.0.1:8786``.

    Raises
    ------
    InputError
        When Dask is not installed, the scheduler is missing or lost during the run, it has no workers, or a worker has
        another version of LumbarHU.
    """
    try:
        from distributed import Client, as_completed
    except ImportError as error:
        raise InputError("--scheduler needs the package distributed: install lumbarhu[cluster].") from error
    with _without_log_of_lost_scheduler(), _connected(Client, address) as client:
        _check_workers(client, address)
        waiting = enumerate(items)
        ahead = _AHEAD * max(1, sum(client.nthreads().values()))
        numbers = {client.submit(function, item, pure=False): number for number, item in islice(waiting, ahead)}
        ready = as_completed(numbers)
        for future in ready:
            number = numbers.pop(future)
            result = _result_of(future, address)
            for next_number, item in islice(waiting, 1):
                following = client.submit(function, item, pure=False)
                numbers[following] = next_number
                ready.add(following)
            yield number, result


@contextmanager
def _without_log_of_lost_scheduler() -> Iterator[None]:
    logger = logging.getLogger(_LOGGER)
    logger.addFilter(_is_other_message)
    try:
        yield
    finally:
        logger.removeFilter(_is_other_message)


def _is_other_message(record: logging.LogRecord) -> bool:
    """Return whether a log record reports something other than a lost scheduler."""
    problem = record.exc_info[1] if record.exc_info else None
    return not (isinstance(problem, (CancelledError, OSError)) or "Failed to reconnect" in record.getMessage())


def _connected(client_class: "type[Client]", address: str) -> "Client":
    try:
        return client_class(address, timeout=_TIMEOUT_S)
    except (OSError, ValueError, TypeError) as error:
        raise InputError(
            f"There is no Dask scheduler at “{address}”: check the address, and that the scheduler is running."
        ) from error


def _check_workers(client: "Client", address: str) -> None:
    from distributed import TimeoutError as NoWorkers

    try:
        client.wait_for_workers(1, timeout=_TIMEOUT_S)
    except NoWorkers as error:
        raise InputError(f"The Dask scheduler at “{address}” has no workers: start at least one.") from error
    programs = client.run(program_sha256, on_error="return")
    for worker, program in programs.items():
        if program != program_sha256():
            raise InputError(
                f"The Dask worker {worker} has another version of LumbarHU, or none: install this version there, with "
                "the same Python and packages."
            )


def _result_of(future: "Future[Any]", address: str) -> Any:
    """Return the result; one that is lost with its worker before it is fetched is computed again, and waited for."""
    from concurrent.futures import CancelledError as Canceled

    from distributed import KilledWorker

    try:
        return future.result()
    except KilledWorker:
        return WorkerDied()
    except (Canceled, CancelledError) as error:
        raise InputError(
            f"The Dask scheduler at “{address}” was lost: run the same command again to continue."
        ) from error
