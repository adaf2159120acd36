"""Scenes to files, with every failure told: Slicer's own functions return False and go on."""

from pathlib import Path

import slicer

from LumbarHULib.core.errors import InputError

_SUFFIX = ".mrb"


def save_scene(scene, path: Path) -> None:
    """Write the scene into one file, a .mrb bundle; a file of that name is replaced.

    A node without data, such as a volume without voxels, makes Slicer refuse the whole scene.

    Raises
    ------
    InputError
        When it cannot be written; what was written is removed then.
    """
    path = Path(path)
    if path.suffix.lower() != _SUFFIX:
        raise InputError(f"A scene cannot be saved as “{path.name}”: use a name that ends in {_SUFFIX}.")
    if not path.parent.is_dir():
        raise InputError(f"There is no folder “{path.parent}”: make it, or save the scene elsewhere.")
    if path.is_dir():
        raise InputError(f"“{path}” is a folder: save the scene under another name.")
    messages = slicer.vtkMRMLMessageCollection()
    is_written = scene.WriteToMRB(str(path), None, messages)
    if not is_written or not path.is_file():
        path.unlink(missing_ok=True)
        raise InputError(
            f"The scene cannot be saved as “{path.name}”{_told(messages)}: check the folder's permissions and the free "
            "disk space."
        )


def _told(messages) -> str:
    text = " ".join(str(messages.GetAllMessagesAsString()).split())
    return f" ({text})" if text else ""
