"""The audit folders that the panel writes: of which reading each is, and whether another one replaced it unasked."""

import csv
import json


class WatchedExports:
    """Looks at every audit folder below a folder after each action.

    Parameters
    ----------
    driver : panel.driver.Driver
    root : pathlib.Path
    """

    def __init__(self, driver, root):
        self._driver, self._root = driver, root
        self._known, self._asked = {}, 0

    def faults(self) -> list[str]:
        """Return what is wrong with the folders that were written since the last look.

        The open reading wrote them: its numbers are in them, and where another reading had written the same folder, it
        was of the same CT, and the user was asked.
        """
        asked = self._driver.panel.questions.asked
        was_asked = any("Replace it?" in question for question in asked[self._asked :])
        self._asked, found = len(asked), []
        for record in sorted(self._root.rglob("record.json")):
            folder, time = record.parent, record.stat().st_mtime_ns
            before = self._known.get(folder)
            if before is not None and before[0] == time:
                continue
            uid = self._driver.session.reading.uid
            voxels = json.loads(record.read_text(encoding="utf-8"))["ct"]["voxels_sha256"]
            if before is not None and before[1] != voxels:
                found.append(f"{folder}: a folder of another CT was replaced")
            if before is not None and before[2] != uid and not was_asked:
                found.append(f"{folder}: a folder of another reading was replaced unasked")
            if folder.name == str(self._driver.session.reading.number):  # not by another protocol
                found += [] if _means_in(folder) == self._driver.shown() else [f"{folder}: other numbers than shown"]
            self._known[folder] = (time, voxels, uid)
        gone = [folder for folder in self._known if not (folder / "record.json").is_file()]
        return found + [f"{folder}: the folder is gone" for folder in gone]


def _means_in(folder) -> dict:
    """Return level → region → mean of an audit folder, as `panel.driver.means_of` does."""
    means_hu = {}
    with (folder / "results.csv").open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            if row["mean_hu"]:  # a level that gave no number has none
                means_hu.setdefault(row["level"], {})[row["roi"]] = float(row["mean_hu"])
    return means_hu
