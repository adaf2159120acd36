"""measure --sign, verify --signer: a signature by the machine's own OpenSSH makes an exchange of a folder visible."""

import json
import shutil
import subprocess

import pytest
from headless.command_runner import lumbarhu
from headless.phantom_files import files_of

pytestmark = pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="this machine has no OpenSSH")


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    """Return two private keys, with the public keys next to them."""
    folder = tmp_path_factory.mktemp("keys")
    for name in ("own", "other"):
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(folder / name)]
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    return folder / "own", folder / "other"


@pytest.fixture
def signed(one_level, keys, tmp_path):
    folder = tmp_path / "audit"
    run = lumbarhu("measure", one_level.ct, "--markups", one_level.markups, "--out", folder, "--sign", keys[0])
    assert (run.exit_code, run.err) == (0, "")
    return folder


def public(key):
    return key.with_name(f"{key.name}.pub")


def verify(folder, one_level, *options):
    return lumbarhu("verify", folder, "--ct", one_level.ct, *options)


def test_a_signed_folder_states_its_key(signed, one_level, keys):
    run = verify(signed, one_level, "--signer", public(keys[0]))
    assert (run.exit_code, run.err) == (0, "")
    assert "Signed with the key SHA256:" in run.out


def test_another_key_or_a_missing_one_is_detected(signed, one_level, keys):
    run = verify(signed, one_level, "--signer", public(keys[1]))
    assert run.exit_code == 1
    assert "record.json.sig: expected a signature with the key SHA256:" in run.out
    (signed / "record.json.sig").unlink()
    assert "found the folder not signed" in verify(signed, one_level, "--signer", public(keys[0])).out
    assert verify(signed, one_level).exit_code == 0


def test_a_changed_record_violates_its_signature_but_other_line_ends_do_not(signed, one_level):
    path = signed / "record.json"
    plain = path.read_bytes()
    path.write_bytes(plain.replace(b"\n", b"\r\n"))
    assert verify(signed, one_level).exit_code == 0
    record = json.loads(plain)
    record["extra"] = {"note": "changed"}
    path.write_text(json.dumps(record), encoding="utf-8")
    run = verify(signed, one_level)
    assert run.exit_code == 1
    assert "record.json.sig: not a signature of this record.json" in run.out


def test_a_signed_folder_can_be_replaced(signed, one_level):
    run = lumbarhu("measure", one_level.ct, "--markups", one_level.markups, "--out", signed, "--overwrite")
    assert (run.exit_code, run.err) == (0, "")
    assert "record.json.sig" not in files_of(signed)


@pytest.mark.parametrize("key", ["missing", "no key"])
def test_a_key_that_cannot_sign_leaves_no_folder(one_level, tmp_path, key):
    (tmp_path / "no key").write_text("x")
    folder = tmp_path / "audit"
    run = lumbarhu("measure", one_level.ct, "--markups", one_level.markups, "--out", folder, "--sign", tmp_path / key)
    assert (run.exit_code, run.out) == (2, "")
    assert "ssh" in run.err
    assert not folder.exists()


def test_verify_reports_to_pipelines_in_json(signed, one_level):
    same = json.loads(verify(signed, one_level, "--json").out)
    assert same["same"] is True
    assert same["differences"] == []
    (signed / "summary.csv").unlink()
    run = verify(signed, one_level, "--json")
    assert run.exit_code == 1
    (difference,) = json.loads(run.out)["differences"]
    assert difference["where"] == "summary.csv"
    assert difference["meaning"]
