"""A function mapped over many items by the workers of a Dask cluster; Dask is an optional package."""

import logging
from asyncio import CancelledError
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import TypeVar

from LumbarHULib.core.errors import InputError
from LumbarHULib.headless.input_identity import program_sha256
from LumbarHULib.headless.worker_processes import WorkerDied

Item = TypeVar("Item")
Result = TypeVar("Result")

# So many items for each thread of the cluster are handed out at a time: enough to keep it busy, and few enough for a
# scheduler that would otherwise hold a million.
_AHEAD = 4
_TIMEOUT_S = 20

# Where Dask tells, with the places in its code, that a scheduler was lost, which is told here in a sentence.
_LOGGER = "distributed.client"


def map_on_dask(
    function: Callable[[Item], Result], items: Iterable[Item], address: str
) -> Iterator[tuple[int, Result | WorkerDied]]:
    """Yield the number of each item and what `function` makes of it, as `worker_processes.map_on_processes` does.

    Parameters
    ----------
    function : callable
        Of a module that the workers can import.
    items : iterable
        Taken from as the cluster gets on.
    address : str
        Of the scheduler, such as ``tcp://127.0.0.1:8786``.

    Raises
    ------
    InputError
        When Dask is missing, the scheduler is not there or lost on the way, it has no workers, or one of them runs
        another program.
    """
    try:
        from distributed import Client, as_completed
    except ImportError as error:
        raise InputError("--scheduler needs the package distributed: install lumbarhu[cluster].") from error
    with _without_words_on_a_lost_scheduler(), _connected(Client, address) as client:
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
def _without_words_on_a_lost_scheduler() -> Iterator[None]:
    logger = logging.getLogger(_LOGGER)
    logger.addFilter(_tells_more)
    try:
        yield
    finally:
        logger.removeFilter(_tells_more)


def _tells_more(record: logging.LogRecord) -> bool:
    """Return whether Dask tells something else than that the scheduler does not answer."""
    problem = record.exc_info[1] if record.exc_info else None
    return not (isinstance(problem, (CancelledError, OSError)) or "Failed to reconnect" in record.getMessage())


def _connected(client_class, address: str):
    try:
        return client_class(address, timeout=_TIMEOUT_S)
    except (OSError, ValueError, TypeError) as error:
        raise InputError(f"There is no Dask scheduler at “{address}”: check the address, and that it runs.") from error


def _check_workers(client, address: str) -> None:
    from distributed import TimeoutError as NoWorkers

    try:
        client.wait_for_workers(1, timeout=_TIMEOUT_S)
    except NoWorkers as error:
        raise InputError(f"The Dask scheduler at “{address}” has no workers: start some.") from error
    programs = client.run(program_sha256, on_error="return")
    for worker, program in programs.items():
        if program != program_sha256():
            raise InputError(
                f"The Dask worker {worker} has another LumbarHU, or none: install this one there, with the same Python "
                "and packages."
            )


def _result_of(future, address: str):
    from distributed import KilledWorker

    problem = future.exception() if future.status == "error" else None
    if isinstance(problem, KilledWorker):
        return WorkerDied()
    if problem is not None:
        raise problem
    if future.status != "finished":
        raise InputError(f"The Dask scheduler at “{address}” was lost: start the same command again to go on.")
    return future.result()
