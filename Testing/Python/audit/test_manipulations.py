"""Audit folders changed on purpose, their hashes sealed again: each is found, or cannot be known, and why."""

import os
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from audit.forger import (
    added_file,
    both,
    first_finding,
    in_labels,
    in_markup,
    in_record,
    in_table,
    in_text,
    older,
    one_less,
    rolled,
    seal,
    second_level,
    sides_exchanged,
    without_finding,
)
from audit.readings import CUTOFFS, PROTOCOL, example_audit, example_landmarks, random_ct

from LumbarHULib.audit.folder import write_audit_folder
from LumbarHULib.audit.replay import CtHeaders
from LumbarHULib.audit.verify import Verification, meaning_of, verification_of
from LumbarHULib.core.pipeline import measure_ct
from LumbarHULib.core.results import RoiMask
from LumbarHULib.core.scan_facts import ScanFacts
from LumbarHULib.files.protocol_file import load_protocol

FACTS = ScanFacts(
    tube_voltage_kv=120.0, slice_thickness_mm=2.5, contrast=False, kernel="B30", series_uid="1.2.3", source="DICOM"
)


@pytest.fixture(scope="module")
def original(tmp_path_factory) -> Path:
    destination = tmp_path_factory.mktemp("manipulated") / "out"
    write_audit_folder(destination, example_audit(scan_facts=FACTS))
    return destination


@pytest.fixture
def folder(original, tmp_path) -> Path:
    """A copy to change."""
    return Path(shutil.copytree(original, tmp_path / "out"))


def verified(folder: Path) -> Verification:
    return verification_of(folder, random_ct(), headers=CtHeaders(FACTS))


@dataclass(frozen=True)
class Manipulation:
    """What is changed before the hashes are sealed again, and where that is found."""

    change: Callable[[Path], object]
    found: str


class_of_round = both(
    in_table("summary.csv", "class", "normal", roi="round"), in_record("summaries", 0, "class", to="normal")
)
MANIPULATIONS = {
    "a mean": Manipulation(
        in_table("results.csv", "mean_hu", "60.0", level="L1", roi="oval"), "results.csv, L1 oval, m"
    ),
    "a mean and the mean of means": Manipulation(
        both(
            in_table("results.csv", "mean_hu", "60.0", level="L1", roi="oval"),
            in_table("summary.csv", "mean_hu", "60.0", roi="oval"),
        ),
        "summary.csv, oval, mean_hu",
    ),
    "a standard deviation": Manipulation(in_table("results.csv", "sd_hu", "1.0", level="L1"), "results.csv, L1 round"),
    "a class": Manipulation(class_of_round, "summary.csv, round, class"),
    "a class in the record alone": Manipulation(in_record("summaries", 1, "class", to="osteopenia"), "record.json, o"),
    "shares of the trials": Manipulation(
        both(
            in_table("summary.csv", "share_normal", "1.0", roi="round"),
            in_record("summaries", 0, "placement", "class_shares", "normal", to=1.0),
        ),
        "record.json, round, placement.class_shares.normal",
    ),
    "how sure the placement is": Manipulation(
        both(
            in_table("results.csv", "placement_sd_hu", "0.0", level="L1", roi="round"),
            in_record("levels", 0, "rois", "round", "placement_sd_hu", to=0.0),
        ),
        "record.json, L1, round, placement_sd_hu",
    ),
    "the cutoff's interval": Manipulation(
        in_record("summaries", 0, "inside_cutoff_interval", to=lambda value: not value), "record.json, round, inside"
    ),
    "a nearest cutoff": Manipulation(
        in_table("summary.csv", "nearest_cutoff_hu", "1.0"), "summary.csv, round, nearest"
    ),
    "the levels of a mean": Manipulation(in_record("summaries", 0, "levels", to=["L1"]), "record.json, round, levels"),
    "a label map moved by a pixel": Manipulation(in_labels("round", rolled), "labelmaps/round.nrrd, L1: "),
    "a voxel less": Manipulation(in_labels("front", one_less), "labelmaps/front.nrrd, L3: 1 voxels"),
    "left and right exchanged": Manipulation(sides_exchanged, "labelmaps/left.nrrd, L1: "),
    "a label map of another region": Manipulation(
        lambda folder: shutil.copy(folder / "labelmaps" / "oval.nrrd", folder / "labelmaps" / "round.nrrd"),
        "labelmaps/round.nrrd, L1: ",
    ),
    "a region said to be edited": Manipulation(
        both(
            in_record("levels", 0, "rois", "round", "edited", to=True),
            in_table("results.csv", "edited", "true", level="L1", roi="round"),
        ),
        "record.json, L1, round, placement_sd_hu",
    ),
    "a midline in its file": Manipulation(in_markup("L1-midline", (1, 0, 0)), "record.json, L1, midline"),
    "a midline in the record": Manipulation(
        in_record("levels", 0, "midline", "points_ras_mm", 0, 0, to=lambda x: x + 1), "record.json, L1, midline"
    ),
    "a midline in both": Manipulation(
        both(
            in_markup("L1-midline", (-1, 0, 0)),
            in_record("levels", 0, "midline", "points_ras_mm", to=lambda points: [[x + 1, y, z] for x, y, z in points]),
        ),
        "results.csv, L1 round, mean_hu|record.json, L1, frame",
    ),
    "an outline in its file": Manipulation(in_markup("L3-outline", (0.5, 0, 0)), "record.json, L3, outline"),
    "an outline in the record": Manipulation(
        in_record("levels", 2, "outline", "points_ras_mm", 3, 1, to=lambda y: y + 0.5), "record.json, L3, outline"
    ),
    "where an outline comes from": Manipulation(
        in_record("levels", 2, "outline", "source", to="found in the CT"), "record.json, L3, outline.source"
    ),
    "a boundary in its file": Manipulation(in_markup("L1-boundary", (0, 2, 0)), "record.json, L1, boundary"),
    "a boundary's fraction": Manipulation(
        in_record("levels", 0, "boundary", "fraction", to=0.7), "record.json, L1, boundary.fraction"
    ),
    "who placed a midline": Manipulation(
        both(
            in_record("levels", 1, "midline", "origin", "kind", to="manual"),
            in_table("results.csv", "origin", "manual", level="L2"),
        ),
        "record.json, L2, midline.origin",
    ),
    "a finding taken out": Manipulation(without_finding("levels_missing"), "record.json, round, findings"),
    "a finding of a region taken out": Manipulation(
        without_finding("within_measurement_error"), "record.json, .*, findings"
    ),
    "a severity": Manipulation(first_finding("severity", "note"), "record.json, round, findings"),
    "a finding's sentence": Manipulation(first_finding("sentence", "All is well."), "record.json, round, findings"),
    "a finding's remedy": Manipulation(first_finding("remedy", "Nothing to do."), "record.json, round, findings"),
    "a finding put in": Manipulation(
        in_record(
            "levels",
            0,
            "findings",
            to=[{"code": "body_low", "sentence": "X.", "remedy": "", "severity": "note", "level": "L1", "roi": ""}],
        ),
        "record.json, L1, findings of L1: found",
    ),
    "an exclusion taken back": Manipulation(
        both(in_record("levels", 1, "excluded", to=""), in_table("results.csv", "excluded", "", level="L2")),
        "summary.csv, round, levels",
    ),
    "an excluded level that is not there": Manipulation(
        in_record("not_measured", to=[]), "record.json, not_measured|results.csv, L5"
    ),
    "the case in the record": Manipulation(in_record("case", to="8"), "results.csv, L1 round, case"),
    "the reader in a table": Manipulation(in_table("results.csv", "reader", "CD"), "results.csv, L1 round, reader"),
    "the reading's number": Manipulation(in_table("summary.csv", "reading", "1"), "summary.csv, round, reading"),
    "the case in the report": Manipulation(in_text("report.html", "case 7", "case 8", count=0), "report.html, line"),
    "the reader in the report": Manipulation(in_text("report.html", r"\bAB\b", "CD", count=0), "report.html, line"),
    "a number in the report": Manipulation(
        in_text("report.html", r"(\d\d)\.(\d)</td>", r"99.9</td>"), "report.html, line"
    ),
    "a picture in the report": Manipulation(
        in_text("report.html", r"base64,(.{40}).", r"base64,\1A"), "report.html, line"
    ),
    "the report's last line": Manipulation(in_text("report.html", "</html>", "<!-- -->\n</html>"), "report.html"),
    "a cutoff": Manipulation(
        in_record("cutoffs", "rois", "round", "osteoporosis", "value", to=80.0), "record.json, cutoffs.rois.round"
    ),
    "the cutoffs' citation": Manipulation(
        in_record("cutoffs", "citation", to="Nature"), "record.json, cutoffs.citation"
    ),
    "a protocol under the study's name": Manipulation(
        both(
            in_record("protocol", "name", to=load_protocol().name),
            in_record("protocol", "version", to=load_protocol().version),
        ),
        "record.json, protocol.values.placement_trials",
    ),
    "a protocol value that was used": Manipulation(
        in_record("protocol_values", "cortical_margin_mm", to=2.0), "record.json, protocol_values.cortical_margin_mm"
    ),
    "the tube voltage": Manipulation(
        in_record("ct", "headers", "tube_voltage_kv", to=100.0), "record.json, ct.headers.tube_voltage_kv"
    ),
    "contrast medium": Manipulation(
        in_record("ct", "headers", "contrast", to=None), "record.json, ct.headers.contrast"
    ),
    "the kernel": Manipulation(in_record("ct", "headers", "kernel", to="B70"), "record.json, ct.headers.kernel"),
    "the series": Manipulation(in_record("ct", "series_uid", to="1.2.4"), "record.json, ct.series_uid"),
    "the CT's hash": Manipulation(in_record("ct", "voxels_sha256", to="0" * 64), "CT: expected voxels"),
    "the CT's place": Manipulation(in_record("ct", "ras_from_ijk", 0, 3, to=lambda x: x + 1), "CT: its geometry"),
    "the CT's spacing": Manipulation(in_record("ct", "spacing_ijk_mm", 0, to=0.5), "record.json, ct.spacing_ijk_mm"),
    "classes off protocol": Manipulation(in_record("accept_off_protocol", to=True), "record.json|report.html"),
    "the depth of a body": Manipulation(in_record("levels", 0, "frame", "depth_mm", to=30.0), "record.json, L1, frame"),
    "the mid-slice": Manipulation(
        in_record("levels", 0, "mid_slice", "from_caudal", to=3), "record.json, L1, mid_slice"
    ),
    "what the slices cover": Manipulation(
        in_record("levels", 0, "slices", "covered_mm", to=5.0), "record.json, L1, slices"
    ),
    "the notice": Manipulation(in_record("notice", to="Approved."), "record.json, notice"),
    "a file more": Manipulation(added_file("consent.txt"), "consent.txt: in the record"),
    "a label map more": Manipulation(added_file("labelmaps/lesion.nrrd"), "labelmaps/lesion.nrrd: in the record"),
    "a table less": Manipulation(lambda folder: (folder / "summary.csv").unlink(), "summary.csv: expected in an audit"),
    "a report less": Manipulation(
        lambda folder: (folder / "report.html").unlink(), "report.html: expected in an audit"
    ),
    "markups of a level more": Manipulation(second_level, "record.json, L4: expected a level"),
    "an older version is claimed": Manipulation(older, "results.csv, L1 round, mean_hu"),
}


@pytest.mark.parametrize("manipulation", MANIPULATIONS.values(), ids=MANIPULATIONS)
def test_a_change_is_detected_although_its_hashes_were_renewed(folder, manipulation):
    manipulation.change(folder)
    seal(folder)
    found = verified(folder)
    sentences = (*found.differences, *found.by_version)
    assert any(re.match(manipulation.found, sentence) for sentence in sentences), sentences
    assert all(meaning_of(sentence) and "\n" not in sentence for sentence in sentences)


def test_there_are_forty_kinds_of_manipulation():
    assert len(MANIPULATIONS) >= 40


def test_renewing_the_hashes_alone_changes_nothing(folder):
    seal(folder)
    assert verified(folder) == Verification(())


def with_line_ends(folder: Path) -> None:
    for path in folder.rglob("*"):
        if path.suffix in (".csv", ".json", ".html"):
            path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))


def with_byte_order_marks(folder: Path) -> None:
    for name in ("results.csv", "summary.csv", "report.html"):
        (folder / name).write_bytes(b"\xef\xbb\xbf" + (folder / name).read_bytes())


def with_other_dates(folder: Path) -> None:
    for path in folder.rglob("*"):
        os.utime(path, (1e9, 1e9))


def looked_at(folder: Path) -> None:
    for name in (
        ".DS_Store",
        "Thumbs.db",
        "desktop.ini",
        "._results.csv",
        "labelmaps/._round.nrrd",
        "markups/.DS_Store",
    ):
        (folder / name).write_bytes(b"\0\5\x16\7")


@pytest.mark.parametrize(
    ("change", "note"),
    [
        (with_line_ends, "results.csv: only its line ends were changed"),
        (with_byte_order_marks, "report.html: only its line ends were changed"),
        (with_other_dates, None),
        (looked_at, "Ignored because file managers create them"),
    ],
)
def test_changes_made_by_other_programs_are_not_manipulations(folder, change, note):
    change(folder)
    found = verified(folder)
    assert (found.differences, found.by_version) == ((), ())
    assert any(sentence.startswith(note) for sentence in found.notes) if note else not found.notes


def honest(destination: Path, **fields) -> Path:
    write_audit_folder(destination, example_audit(scan_facts=FACTS, **fields))
    return destination


def second_reading(destination: Path) -> Path:
    """Another reader's midlines: who put them into this folder cannot be detected."""
    ct = random_ct()
    audit = example_audit(scan_facts=FACTS)
    moved = [replace(one, midline_ras_mm=np.add(one.midline_ras_mm, (0.4, 0, 0))) for one in example_landmarks(ct)]
    exclusions = {"L2": "fracture, old", "L5": "out of the scan"}
    result = measure_ct(ct, moved, PROTOCOL.protocol, CUTOFFS.cutoffs, FACTS, exclusions)
    write_audit_folder(destination, replace(audit, result=result))
    return destination


def edited_region(destination: Path) -> Path:
    """A region corrected by hand: whether the correction was right cannot be detected."""
    ct, audit = random_ct(), example_audit(scan_facts=FACTS)
    mask = audit.result.levels[0].rois["round"].mask
    smaller = mask.inside.copy()
    smaller[:, :2] = False
    masks = {"L1": {"round": RoiMask(smaller, mask.offset_kji)}}
    exclusions = {"L2": "fracture, old", "L5": "out of the scan"}
    landmarks = example_landmarks(ct)
    result = measure_ct(ct, landmarks, PROTOCOL.protocol, CUTOFFS.cutoffs, FACTS, exclusions, edited_masks=masks)
    write_audit_folder(destination, replace(audit, result=result))
    return destination


@pytest.mark.parametrize(
    "make",
    [
        lambda destination: honest(destination, case="another case", reader="XY", reading=7),
        lambda destination: honest(destination, extra={"blinded": True}),
        lambda destination: honest(destination, when="2001-01-01"),
        second_reading,
        edited_region,
    ],
    ids=["names", "what else is kept", "a date", "other midlines", "a region edited by hand"],
)
def test_undetectable_changes_pass(tmp_path, make):
    assert verified(make(tmp_path / "out")) == Verification(())
