"""Read a file as bytes, or state in one sentence why it cannot be read."""

from collections.abc import Iterator
from contextlib import contextmanager
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


@contextmanager
def refuse_unreadable(path: Path, if_too_large: str) -> Iterator[None]:
    """Raise InputError, within the ``with`` block, where the system or the memory prevents reading a file or folder.

    Parameters
    ----------
    path : pathlib.Path
        What is read, and what the sentence names unless the system names a file in it.
    if_too_large : str
        What to do about a file that does not fit in the memory.
    """
    try:
        yield
    except PermissionError as error:
        raise InputError(f"You have no permission to read “{error.filename or path}”: ask for it.") from error
    except OSError as error:
        raise InputError(
            f"“{error.filename or path}” cannot be read ({error.strerror or error}): check the disk and the path."
        ) from error
    except MemoryError as error:
        raise InputError(f"“{path.name}” is larger than the computer's memory: {if_too_large}.") from error
