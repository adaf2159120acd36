"""lumbarhu verify: recompute everything in an audit folder."""

import argparse
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from LumbarHULib.api.audit_folders import verify
from LumbarHULib.audit.verify import Verification, meaning_of
from LumbarHULib.headless.exit_codes import DIFFERS, DONE
from LumbarHULib.headless.progress import Progress


def run_verify(options: argparse.Namespace) -> int:
    """Print the differences and return 1, or report that there are none and return 0.

    Raises
    ------
    InputError
        When the folder or the CT cannot be read.
    """
    progress = Progress()
    try:
        found = verify(options.folder, options.ct, options.signer, progress)
    finally:
        progress.clear()
    if options.json:
        print(json.dumps(_plain(found), indent=2, ensure_ascii=False))
    else:
        print("\n".join(_lines(options.folder, found)))
    return DIFFERS if found.differences or found.by_version else DONE


def _lines(folder: Path, found: Verification) -> Iterator[str]:
    yield from found.notes
    if not found.differences and not found.by_version:
        yield f"{folder}: all hashes, counts and numbers are the same."
        return
    yield from found.differences
    yield from (f"{sentence} (a different version may be the cause)" for sentence in found.by_version)
    meanings = dict.fromkeys(map(meaning_of, (*found.differences, *found.by_version)))
    count = len(found.differences) + len(found.by_version)
    yield f"{folder}: {count} difference{'s' if count != 1 else ''}: {'; '.join(meanings)}."


def _plain(found: Verification) -> dict[str, Any]:
    """Return the result as plain JSON values, for pipelines."""

    def each(sentences: Iterable[str]) -> list[dict[str, str]]:
        return [
            {"where": sentence.partition(": ")[0], "sentence": sentence, "meaning": meaning_of(sentence)}
            for sentence in sentences
        ]

    return {
        "same": not (found.differences or found.by_version),
        "differences": each(found.differences),
        "by_version": each(found.by_version),
        "notes": list(found.notes),
    }
