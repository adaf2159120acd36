"""A batch on a Dask cluster: a real scheduler and workers on this machine, one of which is killed during the run."""

import logging
import sys

import pytest
from headless.batch_files import assert_same_files, batch_here, case_row, write_cases
from headless.command_runner import lumbarhu
from headless.dask_on_loopback import loopback_cluster
from headless.mortal_functions import die_each_time, fail, wait_and_square

from LumbarHULib.core.errors import InputError
from LumbarHULib.headless import dask_cluster
from LumbarHULib.headless.batch_command import measured_batch
from LumbarHULib.headless.batch_folder import batch_folder
from LumbarHULib.headless.batch_table import read_batch_table
from LumbarHULib.headless.dask_cluster import map_on_dask
from LumbarHULib.headless.worker_processes import WorkerDied


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    with loopback_cluster(tmp_path_factory.mktemp("cluster")) as cluster:
        yield cluster


def test_every_item_comes_back_once_with_its_number(cluster):
    assert sorted(map_on_dask(wait_and_square, range(30), cluster.address)) == [(n, n**2) for n in range(30)]


def test_an_exception_ends_the_work_and_reaches_the_caller(cluster):
    with pytest.raises(RuntimeError, match="on number 3"):
        list(map_on_dask(fail, range(6), cluster.address))


def test_the_command_gives_the_bytes_that_processes_give(cluster, one_level, tmp_path):
    rows = [case_row(f"case {number}", one_level) for number in range(6)]
    rows.insert(2, case_row("broken", one_level, levels="T12"))
    table = write_cases(tmp_path / "cases.csv", rows)
    assert batch_here(table, tmp_path / "here").counts["failed"] == 1
    run = lumbarhu("batch", table, "--out", tmp_path / "there", "--scheduler", cluster.address)
    assert (run.exit_code, run.err) == (1, "")
    assert "Measured 6, finished before 0, failed 1." in run.out
    assert_same_files(tmp_path / "here", tmp_path / "there")


def wait_for_workers(address, count):
    from distributed import Client

    with Client(address) as client:
        client.wait_for_workers(count, timeout=120)


def dask_workers(address):
    from distributed import Client

    with Client(address) as client:
        return client.scheduler_info()["workers"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_an_item_that_kills_every_worker_is_reported(tmp_path):
    with loopback_cluster(tmp_path / "cluster", workers=3, deaths=1) as cluster:
        wait_for_workers(cluster.address, 3)
        results = dict(map_on_dask(die_each_time, range(6), cluster.address))
    assert results.pop(3) == WorkerDied()
    assert results == {number: number**2 for number in (0, 1, 2, 4, 5)}


def test_a_missing_scheduler_is_reported(monkeypatch, one_level, tmp_path):
    monkeypatch.setattr(dask_cluster, "_TIMEOUT_S", 0.5)
    table = write_cases(tmp_path / "cases.csv", [case_row("a", one_level)])
    for address in ("tcp://127.0.0.1:9", "nonsense://x"):
        run = lumbarhu("batch", table, "--out", tmp_path / "out", "--scheduler", address)
        assert run.exit_code == 2
        assert f"There is no Dask scheduler at “{address}”" in run.err


def test_a_scheduler_without_workers_is_reported(monkeypatch, tmp_path):
    monkeypatch.setattr(dask_cluster, "_TIMEOUT_S", 1)
    with (
        loopback_cluster(tmp_path / "cluster", workers=0) as cluster,
        pytest.raises(InputError, match="has no workers: start at least one"),
    ):
        list(map_on_dask(wait_and_square, [1], cluster.address))


@pytest.fixture
def dask_log(caplog):
    """Return caplog, attached to Dask's client as well, because its logger does not propagate."""
    logger = logging.getLogger("distributed.client")
    logger.addHandler(caplog.handler)
    try:
        yield caplog
    finally:
        logger.removeHandler(caplog.handler)


@pytest.mark.parametrize(
    "timeout_s",
    # Dask reports it in one way or another.
    [1, pytest.param(3, marks=pytest.mark.proof)],
)
def test_a_scheduler_lost_during_the_run_is_reported_in_one_sentence(timeout_s, monkeypatch, dask_log, tmp_path):
    monkeypatch.setattr(dask_cluster, "_TIMEOUT_S", timeout_s)
    with loopback_cluster(tmp_path / "cluster", workers=1) as cluster:
        monkeypatch.setattr(dask_cluster, "_check_workers", lambda client, address: client.wait_for_workers(1))
        results = map_on_dask(wait_and_square, range(1000), cluster.address)
        next(results)
        cluster.scheduler.kill()
        with pytest.raises(InputError, match="was lost: run the same command again"):
            list(results)
    assert [record for record in dask_log.records if record.levelno >= logging.WARNING] == []


def test_other_messages_of_dask_are_shown(cluster, dask_log):
    results = map_on_dask(wait_and_square, range(2), cluster.address)
    next(results)
    logging.getLogger("distributed.client").warning("Couldn't gather 1 keys, rescheduling")
    list(results)
    assert {record.getMessage() for record in dask_log.records} == {"Couldn't gather 1 keys, rescheduling"}


# It harms the cluster of the others: it is the last.


def test_a_worker_killed_during_the_run_costs_only_time(cluster, one_level, tmp_path):
    table = write_cases(tmp_path / "cases.csv", [case_row(f"case {number}", one_level) for number in range(10)])
    batch_here(table, tmp_path / "here")

    def map_and_kill(function, tasks):
        for count, ready in enumerate(map_on_dask(function, tasks, cluster.address)):
            if count == 3:
                cluster.workers[0].kill()
            yield ready

    wait_for_workers(cluster.address, 2)
    with batch_folder(tmp_path / "there") as folder:
        outcome = measured_batch(folder, read_batch_table(table, tmp_path / "there"), map_and_kill)
        assert len(dask_workers(cluster.address)) == 1
    # One that was measured but not yet reported is found finished by the other worker.
    assert outcome.counts["measured"] + outcome.counts["finished"] == 10
    assert_same_files(tmp_path / "here", tmp_path / "there")
