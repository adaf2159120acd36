"""Deliberate changes of an audit folder and the renewal of its hashes, as a forger would do it."""

import csv
import json
import re
from pathlib import Path

import numpy as np
import SimpleITK
from audit.plain_numbers import FORMULAS, cells_of
from audit.readings import random_ct

from LumbarHULib.audit.folder import file_sha256


def record_of(folder: Path) -> dict:
    return json.loads((folder / "record.json").read_text(encoding="utf-8"))


def rehash(folder: Path) -> None:
    """Write the current hashes of the files into the record, as a forger would."""
    path = folder / "record.json"
    record = json.loads(path.read_text(encoding="utf-8"))
    record["files"] = {name: file_sha256(folder / name) for name in record["files"] if (folder / name).exists()}
    path.write_text(json.dumps(record), encoding="utf-8")


def seal(folder: Path) -> None:
    """Update every hash, also in the report, as a forger who read the documents would."""
    record = record_of(folder)
    report = folder / "report.html"
    text = report.read_text(encoding="utf-8") if report.exists() else ""
    there = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    for name in there:
        if name in record["files"] and name != "report.html":
            text = text.replace(record["files"][name], file_sha256(folder / name))
    if report.exists():
        report.write_text(text, encoding="utf-8", newline="\n")
    record["files"] = {name: file_sha256(folder / name) for name in there if name != "record.json"}
    (folder / "record.json").write_text(json.dumps(record), encoding="utf-8")


def in_record(*keys, to):
    """Return a change of one value of the record; `to` may be a function of the old one."""

    def change(folder: Path) -> None:
        record = record_of(folder)
        place = record
        for key in keys[:-1]:
            place = place[key]
        place[keys[-1]] = to(place[keys[-1]]) if callable(to) else to
        (folder / "record.json").write_text(json.dumps(record), encoding="utf-8")

    return change


def in_table(name: str, column: str, to, **where):
    """Return a change of one column of the rows that have these cells."""

    def change(folder: Path) -> None:
        path = folder / name
        with path.open(encoding="utf-8", newline="") as stream:
            rows = list(csv.DictReader(stream))
        for row in rows:
            if all(row[key] == value for key, value in where.items()):
                row[column] = to(row[column]) if callable(to) else to
        with path.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, rows[0], lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)

    return change


def in_text(name: str, old: str, new: str, count: int = 1):
    def change(folder: Path) -> None:
        text = (folder / name).read_text(encoding="utf-8")
        assert re.search(old, text)
        (folder / name).write_text(re.sub(old, new, text, count=count), encoding="utf-8", newline="\n")

    return change


def in_labels(roi: str, change_labels):
    """Return a change of a label map; the numbers in results.csv follow it, as a forger would write them."""

    def change(folder: Path) -> None:
        path = folder / "labelmaps" / f"{roi}.nrrd"
        image = SimpleITK.ReadImage(str(path))
        labels = change_labels(SimpleITK.GetArrayFromImage(image))
        other = SimpleITK.GetImageFromArray(labels)
        other.CopyInformation(image)
        SimpleITK.WriteImage(other, str(path), useCompression=True)
        voxels_hu = random_ct().voxels_hu
        for level, value in (("L1", 20), ("L2", 21), ("L3", 22)):
            for column, cell in cells_of(voxels_hu[labels == value]).items():
                in_table("results.csv", column, cell, level=level, roi=roi)(folder)

    return change


def in_markup(name: str, shift_mm):
    def change(folder: Path) -> None:
        path = folder / "markups" / f"{name}.mrk.json"
        document = json.loads(path.read_text(encoding="utf-8"))
        for point in document["markups"][0]["controlPoints"]:
            point["position"] = [round(x + dx, 6) for x, dx in zip(point["position"], shift_mm, strict=True)]
        path.write_text(json.dumps(document), encoding="utf-8")

    return change


def both(*changes):
    def change(folder: Path) -> None:
        for one in changes:
            one(folder)

    return change


def rolled(labels: np.ndarray) -> np.ndarray:
    return np.roll(labels, 1, axis=2)


def one_less(labels: np.ndarray) -> np.ndarray:
    k, j, i = np.argwhere(labels == 22)[-1]
    fewer = labels.copy()
    fewer[k, j, i] = 0
    return fewer


def sides_exchanged(folder: Path) -> None:
    left, right = (folder / "labelmaps" / f"{side}.nrrd" for side in ("left", "right"))
    left.rename(folder / "other")
    right.rename(left)
    (folder / "other").rename(right)
    with (folder / "results.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    other = {"left": "right", "right": "left"}
    by_key = {(row["level"], row["roi"]): row for row in rows}
    for row in rows:
        if row["roi"] in other:
            source = by_key[row["level"], other[row["roi"]]]
            for column in (*FORMULAS, "area_mm2"):
                in_table("results.csv", column, source[column], level=row["level"], roi=row["roi"])(folder)


def without_finding(code: str):
    """Return a change that takes a finding out of the record and of both tables."""

    def change(folder: Path) -> None:
        text = (folder / "record.json").read_text(encoding="utf-8")
        assert code in text
        record = record_of(folder)
        for place in (record, *record["levels"], *record["summaries"]):
            place["findings"] = [one for one in place["findings"] if one["code"] != code]
        for level in record["levels"]:
            for roi in level["rois"].values():
                roi["findings"] = [one for one in roi["findings"] if one["code"] != code]
        (folder / "record.json").write_text(json.dumps(record), encoding="utf-8")
        for name in ("results.csv", "summary.csv"):
            in_table(name, "findings", lambda cell: ";".join(one for one in cell.split(";") if one != code))(folder)

    return change


def first_finding(name: str, to):
    return in_record("summaries", 0, "findings", 0, name, to=to)


def added_file(name: str):
    return lambda folder: (folder / name).write_text("x", encoding="utf-8")


def second_level(folder: Path) -> None:
    """Add markups of L4 that no reader placed."""
    for role in ("midline", "boundary", "outline"):
        text = (folder / "markups" / f"L3-{role}.mrk.json").read_text(encoding="utf-8")
        (folder / "markups" / f"L4-{role}.mrk.json").write_text(text.replace("L3", "L4"), encoding="utf-8")


def older(folder: Path) -> None:
    """Claim that an older version measured otherwise."""
    in_record("software", "LumbarHU", to="0.0.1")(folder)
    in_table("results.csv", "mean_hu", "1.0", level="L1", roi="round")(folder)
