"""A signature of an audit folder by the machine's own OpenSSH, so that a later exchange of the whole folder shows.

What is signed is record.json, and with it every file whose hash is in it. Cryptography is OpenSSH's alone
(``ssh-keygen -Y``, since version 8.0); nothing is made up here.
"""

import re
import shutil
import subprocess
from pathlib import Path

from LumbarHULib.audit.folder import RECORD, SIGNATURE
from LumbarHULib.core.errors import InputError

_PROGRAM = "ssh-keygen"
# What a signature is for, so that one that was made for another purpose does not pass here.
_NAMESPACE = "lumbarhu-audit"
_KEY = re.compile(r"SHA256:[A-Za-z0-9+/]+=*")
_LONGEST_S = 60


def sign_folder(folder: Path, key: Path) -> None:
    """Sign the record in a folder with a private key.

    Parameters
    ----------
    folder : pathlib.Path
        With ``record.json``; ``record.json.sig`` comes to be beside it.
    key : pathlib.Path
        A private key of OpenSSH without a passphrase, or the public key of one that ssh-agent holds.

    Raises
    ------
    InputError
        When OpenSSH or the key is missing, or the key cannot be used.
    """
    if not key.is_file():
        raise InputError(f"There is no key “{key}”: make one with ssh-keygen -t ed25519.")
    run = _run("-Y", "sign", "-f", key, "-n", _NAMESPACE, folder / RECORD)
    if run.returncode or not (folder / SIGNATURE).is_file():
        raise InputError(f"“{key}” cannot sign ({_said(run)}): use a private key without a passphrase, or ssh-agent.")


def signing_key(folder: Path) -> str:
    """Return the fingerprint of the key that signed a folder's record; empty where there is no signature.

    Raises
    ------
    InputError
        When the signature is not one of this record, or OpenSSH is missing.
    """
    if not (folder / SIGNATURE).is_file():
        return ""
    # Line ends that another program changed are no change of the record.
    record = (folder / RECORD).read_bytes().replace(b"\r\n", b"\n")
    run = _run("-Y", "check-novalidate", "-n", _NAMESPACE, "-s", folder / SIGNATURE, record=record)
    match = _KEY.search(run.stdout.decode(errors="replace"))
    if run.returncode or match is None:
        raise InputError(f"{SIGNATURE}: it is not the signature of this {RECORD} ({_said(run)}).")
    return match[0]


def fingerprint_of(key: Path) -> str:
    """Return the fingerprint of a public key's file.

    Raises
    ------
    InputError
        When it holds none.
    """
    run = _run("-l", "-f", key)
    match = _KEY.search(run.stdout.decode(errors="replace"))
    if run.returncode or match is None:
        raise InputError(f"“{key}” holds no key of OpenSSH: give a public key such as id_ed25519.pub.")
    return match[0]


def _run(*arguments, record: bytes = b""):
    program = shutil.which(_PROGRAM)
    if program is None:
        raise InputError(f"Signatures need OpenSSH's {_PROGRAM}, which this machine lacks: install OpenSSH.")
    try:
        return subprocess.run(
            [program, *map(str, arguments)], input=record, capture_output=True, timeout=_LONGEST_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as problem:
        raise InputError(f"{_PROGRAM} could not be run ({problem}): check the machine's OpenSSH.") from problem


def _said(run) -> str:
    lines = (run.stderr or run.stdout).decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else f"exit code {run.returncode}"
