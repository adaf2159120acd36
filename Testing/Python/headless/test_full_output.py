"""Output to a full disk: the command's files are whole, and the sentence is about the output."""

from pathlib import Path

import pytest
from headless.command_runner import lumbarhu_process

from LumbarHULib.headless.exit_codes import NOT_PRINTED

pytestmark = pytest.mark.skipif(not Path("/dev/full").exists(), reason="Only Linux has a device that is always full")


FULL = "import os; os.dup2(os.open('/dev/full', os.O_WRONLY), 1)"


@pytest.mark.parametrize("by_line", [True, False])
def test_a_long_output_to_a_full_disk_is_reported_as_such(by_line):
    run = lumbarhu_process("study", before=f"{FULL}; sys.stdout.reconfigure(line_buffering={by_line})")
    assert (run.exit_code, run.out) == (NOT_PRINTED, "")
    assert run.err.startswith("lumbarhu: The output could not be printed (No space left on device)")
    assert run.err.count("\n") == 1


def test_an_audit_folder_is_whole_though_nothing_could_be_printed(one_level, tmp_path):
    out = tmp_path / "out"
    arguments = ("measure", one_level.ct, "--markups", one_level.markups, "--out", out)
    run = lumbarhu_process(*arguments, before=FULL)
    assert (run.exit_code, run.err.count("\n")) == (NOT_PRINTED, 1)
    assert lumbarhu_process("verify", out, "--ct", one_level.ct).exit_code == 0
