"""Read a file as bytes, or state in one sentence why it cannot be read."""

from pathlib import Path

from LumbarHULib.core.errors import InputError


def read_file(path: Path) -> bytes:
    """Return the content of a file.

    Raises
    ------
    InputError
        If there is no such file, it is a folder, or it cannot be read.
    """
    path = Path(path)
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise InputError(f"There is no file “{path}”: check the path.") from error
    except OSError as error:
        # Windows reports a folder as a file without permission.
        if path.is_dir():
            raise InputError(f"“{path}” is a folder: choose a file.") from error
        raise InputError(f"“{path}” cannot be read ({error.strerror}): check the file's permissions.") from error
