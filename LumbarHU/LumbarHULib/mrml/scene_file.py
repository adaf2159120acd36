"""Save scenes, and raise an error on every failure, because Slicer's own functions only return False."""

from pathlib import Path
from typing import Any

import slicer

from LumbarHULib.core.errors import InputError
from LumbarHULib.mrml.node_types import Scene

_SUFFIX = ".mrb"


def save_scene(scene: Scene, path: Path) -> None:
    """Write the scene to one file, a .mrb bundle, and replace an existing file.

    Slicer refuses a scene with a node without data, such as a volume without voxels.

    Raises
    ------
    InputError
        When the scene cannot be written; a partly written file is then removed.
    """
    path = Path(path)
    if path.suffix.lower() != _SUFFIX:
        raise InputError(f"A scene cannot be saved as “{path.name}”: use a file name that ends in {_SUFFIX}.")
    if not path.parent.is_dir():
        raise InputError(f"The folder “{path.parent}” does not exist: create it, or save the scene in another folder.")
    if path.is_dir():
        raise InputError(f"“{path}” is a folder: save the scene under another name.")
    messages = slicer.vtkMRMLMessageCollection()
    is_written = scene.WriteToMRB(str(path), None, messages)
    if not is_written or not path.is_file():
        path.unlink(missing_ok=True)
        raise InputError(
            f"The scene cannot be saved as “{path.name}”{_in_parentheses(messages)}: check the folder's permissions "
            "and the free disk space."
        )


def _in_parentheses(messages: Any) -> str:
    text = " ".join(str(messages.GetAllMessagesAsString()).split())
    return f" ({text})" if text else ""
