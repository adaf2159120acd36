"""Sign an audit folder with the machine's OpenSSH, so that a replacement of the whole folder can be detected.

The signature covers record.json, and thus every file whose hash it contains. All cryptography is OpenSSH's
(``ssh-keygen -Y``, since version 8.0).
"""

import re
import shutil
import subprocess
from pathlib import Path

from LumbarHULib.audit.folder import RECORD, SIGNATURE
from LumbarHULib.core.errors import InputError

_PROGRAM = "ssh-keygen"
# Purpose of a signature, so that a signature for another purpose is not accepted.
_NAMESPACE = "lumbarhu-audit"
_KEY = re.compile(r"SHA256:[A-Za-z0-9+/]+=*")
_LONGEST_S = 60


def sign_folder(folder: Path, key: Path) -> None:
    """Sign the record in a folder with a private key.

    Parameters
    ----------
    folder : pathlib.Path
        Folder with ``record.json``; ``record.json.sig`` is written next to it.
    key : pathlib.Path
        An OpenSSH private key without a passphrase, or the public key of a key in ssh-agent.

    Raises
    ------
    InputError
        If OpenSSH or the key is missing, or the key cannot be used.
    """
    if not key.is_file():
        raise InputError(f"There is no key “{key}”: make one with ssh-keygen -t ed25519.")
    run = _run("-Y", "sign", "-f", key, "-n", _NAMESPACE, folder / RECORD)
    if run.returncode or not (folder / SIGNATURE).is_file():
        raise InputError(f"“{key}” cannot sign ({_said(run)}): use a private key without a passphrase, or ssh-agent.")


def signing_key(folder: Path) -> str:
    """Return the fingerprint of the key that signed a folder's record; empty without a signature.

    Raises
    ------
    InputError
        If the signature does not belong to this record, or OpenSSH is missing.
    """
    if not (folder / SIGNATURE).is_file():
        return ""
    # Line ends changed by another program do not count as a change of the record.
    record = (folder / RECORD).read_bytes().replace(b"\r\n", b"\n")
    run = _run("-Y", "check-novalidate", "-n", _NAMESPACE, "-s", folder / SIGNATURE, record=record)
    match = _KEY.search(run.stdout.decode(errors="replace"))
    if run.returncode or match is None:
        raise InputError(
            f"{SIGNATURE}: not a signature of this {RECORD} ({_said(run)}): record or signature was changed."
        )
    return match[0]


def fingerprint_of(key: Path) -> str:
    """Return the fingerprint of a public key file.

    Raises
    ------
    InputError
        If the file contains no key.
    """
    run = _run("-l", "-f", key)
    match = _KEY.search(run.stdout.decode(errors="replace"))
    if run.returncode or match is None:
        raise InputError(f"“{key}” contains no OpenSSH key: choose a public key such as id_ed25519.pub.")
    return match[0]


def _run(*arguments: str | Path, record: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    program = shutil.which(_PROGRAM)
    if program is None:
        raise InputError(f"Signatures need OpenSSH's {_PROGRAM}, which is missing: install OpenSSH.")
    try:
        return subprocess.run(
            [program, *map(str, arguments)], input=record, capture_output=True, timeout=_LONGEST_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as problem:
        raise InputError(f"{_PROGRAM} could not be run ({problem}): check the machine's OpenSSH.") from problem


def _said(run: subprocess.CompletedProcess[bytes]) -> str:
    lines = (run.stderr or run.stdout).decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else f"exit code {run.returncode}"
