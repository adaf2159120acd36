"""List the reconstruction kernels for bone edges or lungs, by manufacturer."""

import json
import re

from LumbarHULib.files.resources import resource_path


def is_sharp_kernel(manufacturer: str | None, kernel: str | None) -> bool:
    """Return whether a kernel, named as in the headers, is known to be sharp."""
    if not kernel:
        return False
    maker = (manufacturer or "").upper() + " "
    document = json.loads(resource_path("Kernels", "sharp-kernels.json").read_text(encoding="utf-8"))
    entry_of_maker = next(entry for entry in document["manufacturers"] if entry["manufacturer"] in maker)
    return re.search(entry_of_maker["pattern"], kernel.upper()) is not None
