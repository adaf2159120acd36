"""The report shows the contents of the folder, is self-contained, and no foreign text becomes markup."""

import base64
import copy
import csv
import io
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import SimpleITK
from audit.readings import (
    CUTOFFS,
    PROTOCOL,
    SHEARED_STEPS_RAS_MM,
    STEPS_RAS_MM,
    example_audit,
    random_ct,
    stored_otherwise,
)
from audit.report.html_page import Page
from audit.report.svg_pixels import pixels_inside
from PIL import Image

from LumbarHULib.audit.folder import file_sha256, write_audit_folder
from LumbarHULib.audit.report.page import report_page
from LumbarHULib.audit.report.words import agreement_sentence
from LumbarHULib.audit.verify import verify_audit_folder
from LumbarHULib.core.ct_volume import CtVolume
from LumbarHULib.core.findings import Finding
from LumbarHULib.core.levels import LABEL_VALUES, ROIS
from LumbarHULib.core.results import class_words
from LumbarHULib.core.scan_facts import ScanFacts
from LumbarHULib.files.protocol_file import load_protocol

# Rows and columns of the pixels that lean toward each other within the slice.
LEANING_STEPS_RAS_MM = STEPS_RAS_MM + np.array([[0, 0.2, 0], [0, 0, 0], [0, 0, 0]])
HOSTILE = "<script>alert(1)</script>\"'&</td></table><img src=x onerror=alert(2)> שלום"
# Where names are not checked first, with characters that change the direction of the following text.
STEERING = f"{HOSTILE}\u202e\u200f"
LONG = "W" * 10_000


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def shown(text: str, digits: int = 1, sign: str = "") -> str:
    return format(float(text), f"{sign}.{digits}f").replace("-", "−")


def pictures(html: str) -> list[ElementTree.Element]:
    return [ElementTree.fromstring(svg) for svg in re.findall(r'<svg class="picture".*?</svg>', html, re.DOTALL)]


@pytest.fixture(scope="module")
def audit():
    return example_audit()


@pytest.fixture(scope="module")
def folder(audit, tmp_path_factory):
    destination = tmp_path_factory.mktemp("report") / "out"
    write_audit_folder(destination, audit)
    return destination


@pytest.fixture(scope="module")
def html(folder):
    return (folder / "report.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page(html):
    return Page(html)


def test_the_report_is_self_contained(html, page):
    assert not {"script", "link", "iframe", "object", "form", "a", "img"} & set(page.tags)
    fetched = [value for _, name, value in page.attributes if name in ("src", "href", "srcset", "data", "action")]
    assert len(fetched) == 3 + 2
    assert all(address.startswith("data:image/png;base64,") for address in fetched)
    assert not [name for _, name, _ in page.attributes if name.startswith("on")]
    assert "url(" not in html
    assert "@import" not in html
    assert page.unclosed == []


def test_headings_headers_and_pictures_are_named(page):
    assert [tag for tag in page.tags if re.fullmatch(r"h\d", tag)] == ["h1"] + ["h2"] * 8
    assert page.tags.count("th") > 50
    assert page.tags.count("th") == sum(name == "scope" for _, name, _ in page.attributes)
    named = [value for tag, name, value in page.attributes if tag == "svg" and name == "aria-label"]
    assert [name.split()[0] for name in named] == ["Sagittal", "Coronal", *["Mid-slice"] * 3]
    assert [re.match(r"Mid-slice of (\w+)", name)[1] for name in named[2:]] == ["L1", "L2", "L3"]
    assert ("html", "lang", "en") in page.attributes


def test_means_and_distances_are_those_of_the_summary(folder, page):
    rows = page.tables["Means and classes of the five ROIs"][1:]
    for row, file_row in zip(rows, table(folder / "summary.csv"), strict=True):
        roi, mean, words, lower, upper, nearest, off_hu, off_lsc, _, _, sd_hu, stays = row
        assert (roi, mean) == (file_row["roi"], shown(file_row["mean_hu"]))
        assert words == class_words(file_row["class"])
        assert lower.startswith(f"≤ {shown(file_row['osteoporosis_cutoff_hu'], 2)} ")
        assert upper.startswith(f"≥ {shown(file_row['normal_cutoff_hu'], 2)} ")
        assert nearest == shown(file_row["nearest_cutoff_hu"], 2)
        assert off_hu == shown(file_row["distance_hu"], 1, "+")
        assert off_lsc == shown(file_row["distance_lsc"], 1, "+")
        assert sd_hu == shown(file_row["placement_sd_hu"])
        assert stays == f"{100 * float(file_row['share_' + file_row['class']]):.0f} %"
        ends = f"{shown(file_row['cutoff_low_hu'])} to {shown(file_row['cutoff_high_hu'])}"
        assert ends in (lower if nearest in lower else upper)


def test_the_remarks_next_to_a_class_follow_from_its_numbers(folder, page):
    limit_hu = PROTOCOL.protocol.patient.lsc_hu * 0.71
    for row, file_row in zip(
        page.tables["Means and classes of the five ROIs"][1:], table(folder / "summary.csv"), strict=True
    ):
        mean, low, high = (float(file_row[name]) for name in ("mean_hu", "cutoff_low_hu", "cutoff_high_hu"))
        assert row[8] == ("yes" if low <= mean <= high else "no")
        assert row[9] == ("yes" if abs(float(file_row["distance_hu"])) < limit_hu else "no")


def test_whether_the_regions_agree_follows_from_their_classes(folder, page):
    counts = Counter(row["class"] for row in table(folder / "summary.csv")).most_common()
    reported = "All 5 regions agree."
    if len(counts) > 1:
        reported = f"The 5 regions do not agree: {', '.join(f'{count} {name}' for name, count in counts)}."
    assert reported in page.text


@pytest.mark.parametrize(
    ("names", "reported"),
    [
        (["normal"] * 5, "All 5 regions agree."),
        (["normal"] + ["osteopenia"] * 4, "The 5 regions do not agree: 4 osteopenia, 1 normal."),
        (
            ["osteopenia", "osteopenia", "normal", "osteoporosis", "osteoporosis"],
            "The 5 regions do not agree: 2 osteopenia, 2 osteoporosis, 1 normal.",
        ),
    ],
)
def test_a_split_is_described_by_its_classes(names, reported):
    summaries = example_audit().result.summaries
    classified = [replace(summary, class_name=name) for summary, name in zip(summaries, names, strict=True)]
    assert agreement_sentence(classified) == reported


def test_levels_run_downward_with_the_numbers_of_the_results(folder, page):
    header, *rows = page.tables["HU by level and ROI"]
    assert header == ["Level", *ROIS, "Remark", "Findings"]
    assert [row[0] for row in rows] == ["L1", "L2", "L3", "L5", "mean"]
    file_row = {(row["level"], row["roi"]): row for row in table(folder / "results.csv")}
    for row in rows[:3]:
        for roi, cell in zip(ROIS, row[1:6], strict=True):
            values = file_row[row[0], roi]
            assert cell == f"{shown(values['mean_hu'])} ({shown(values['sd_hu'], 0)})"
    assert rows[1][6] == "excluded: fracture, old"
    assert rows[3][1:] == ["–"] * 5 + ["excluded: out of the scan; not in the mean", ""]


def test_a_levels_findings_are_in_its_row_the_most_severe_first(audit, folder):
    findings = (
        Finding("slab_cut", "One.", severity="warning", level="L1"),
        Finding("mid_slice_off_middle", "Two.", severity="severe", level="L1"),
        Finding("uneven_bone", "Three.", severity="note", level="L1", roi="front"),
    )
    levels = (replace(audit.result.levels[0], findings=findings), *audit.result.levels[1:])
    made = report_page(replace(audit, result=replace(audit.result, levels=levels)), folder / "labelmaps", {})
    cell = Page(made).tables["HU by level and ROI"][1][7]
    places = [cell.index(words) for words in ("mid slice off middle", "slab cut", "front: uneven bone")]
    assert places == sorted(places)


def test_an_alternative_mid_slice_has_a_row_in_a_separate_table(audit, folder):
    stated = "round -5.3, oval +1.0, right -2.0, front +0.4, left +11.9"
    sentence = f"The middle of L3 is 0.43 slices from its mid-slice; there the regions' means differ by {stated} HU."
    ambiguous = Finding("mid_slice_ambiguous", sentence, "Choose.", "warning", "L3")
    levels = (*audit.result.levels[:2], replace(audit.result.levels[2], findings=(ambiguous,)))
    made = Page(report_page(replace(audit, result=replace(audit.result, levels=levels)), folder / "labelmaps", {}))
    assert made.tables["Means of the next slice"] == [["Level", *ROIS], ["L3", "−5.3", "+1.0", "−2.0", "+0.4", "+11.9"]]
    assert sentence not in made.text
    unreadable = replace(ambiguous, sentence="It is so; there the level cannot be measured.")
    levels = (*levels[:2], replace(levels[2], findings=(unreadable,)))
    made = Page(report_page(replace(audit, result=replace(audit.result, levels=levels)), folder / "labelmaps", {}))
    assert "Means of the next slice" not in made.tables
    assert unreadable.sentence in made.text


@pytest.mark.parametrize(
    ("reading_code", "mean_code", "mean_hu", "reason"),
    [
        ("contrast_medium", None, 100.0, "contrast medium"),
        ("tube_voltage_off_protocol", None, 100.0, "tube voltage off protocol"),
        ("too_few_levels", None, 100.0, "too few levels"),
        ("slab_cut", "implausible_mean", 900.0, "implausible mean"),
        ("slab_cut", None, None, "no level measured"),
    ],
)
def test_a_mean_without_a_class_has_the_reason_next_to_it(audit, folder, reading_code, mean_code, mean_hu, reason):
    own = () if mean_code is None else (Finding(mean_code, "Why."),)
    first = replace(audit.result.summaries[0], class_name="not_classified", mean_hu=mean_hu, findings=own)
    result = replace(
        audit.result, summaries=(first, *audit.result.summaries[1:]), findings=(Finding(reading_code, "Because."),)
    )
    made = Page(report_page(replace(audit, result=result), folder / "labelmaps", {}))
    rows = made.tables["Means and classes of the five ROIs"][1:]
    assert rows[0][2].split() == ["not", "classified", *reason.split()]
    assert "classified" not in rows[1][2]


def test_the_hashes_are_those_of_the_files(folder, page):
    reported = {name: digest for name, digest in page.tables["Hashes"][1:] if name != "the CT's voxels"}
    assert len(reported) == 2 + 5 + 9
    assert reported == {name: file_sha256(folder / name) for name in reported}


@pytest.mark.parametrize("steps_ras_mm", [STEPS_RAS_MM, SHEARED_STEPS_RAS_MM, LEANING_STEPS_RAS_MM])
def test_a_picture_shows_the_mid_slice_with_labels_and_markups_in_position(tmp_path, steps_ras_mm):
    audit = example_audit(random_ct(steps_ras_mm))
    write_audit_folder(tmp_path / "out", audit)
    drawings = pictures((tmp_path / "out" / "report.html").read_text(encoding="utf-8"))
    ijk_from_ras = np.linalg.inv(audit.ct.ras_from_ijk)
    for drawing, level in zip(drawings, audit.result.levels, strict=True):
        image = drawing.find(".//image")
        with Image.open(io.BytesIO(base64.b64decode(image.get("href").partition(",")[2]))) as picture:
            pixels = np.asarray(picture).astype(int)
        assert (int(image.get("height")), int(image.get("width"))) == pixels.shape

        # The matrix leads from corners of pixels to mm in the drawing; the midline's front end is known in both.
        a, b, c, d, e, f = map(float, re.findall(r"[-\d.e]+", drawing.find("g").get("transform").partition("(")[2]))
        ends = [circle for circle in drawing.iter("circle") if "midline" in circle.get("class")]
        front_xy = np.array([float(ends[0].get("cx")), float(ends[0].get("cy"))])
        front_px = np.linalg.solve([[a, c], [b, d]], front_xy - (e, f))
        front_ijk = ijk_from_ras[:3] @ [*level.frame.origin_ras_mm, 1.0]
        i, j = np.round(front_ijk[:2] + 0.5 - front_px).astype(int)
        assert front_ijk[:2] + 0.5 - front_px == pytest.approx([i, j], abs=0.02)
        # The drawing is in mm: the matrix keeps lengths and areas.
        assert np.hypot(a, b) == pytest.approx(np.linalg.norm(steps_ras_mm[:, 0]), rel=1e-5)
        assert np.hypot(c, d) == pytest.approx(np.linalg.norm(steps_ras_mm[:, 1]), rel=1e-5)
        assert a * d - b * c == pytest.approx(np.linalg.norm(np.cross(*steps_ras_mm.T[:2])), rel=1e-5)

        k = round(front_ijk[2])
        crop = (k, slice(j, j + pixels.shape[0]), slice(i, i + pixels.shape[1]))
        wanted = np.round(255 * np.clip((audit.ct.voxels_hu[crop] + 150.0) / 500.0, 0, 1))
        assert np.array_equal(pixels, wanted)
        for roi in ROIS:
            image = SimpleITK.ReadImage(str(tmp_path / "out" / "labelmaps" / f"{roi}.nrrd"))
            labels = SimpleITK.GetArrayFromImage(image)[crop] == LABEL_VALUES[level.level]
            (path,) = [path.get("d") for path in drawing.iter("path") if path.get("class") == roi]
            assert labels.any()
            assert np.array_equal(pixels_inside(path, pixels.shape), labels)


def test_the_regions_are_drawn_from_the_files_and_not_from_their_shapes(audit, folder, tmp_path):
    for roi in ROIS:
        (tmp_path / f"{roi}.nrrd").write_bytes((folder / "labelmaps" / "left.nrrd").read_bytes())
    for drawing in pictures(report_page(audit, tmp_path, {})):
        paths = [path.get("d") for path in drawing.iter("path") if path.get("class") in ROIS]
        assert len(paths) == 5
        assert len(set(paths)) == 1


@pytest.mark.parametrize("axes", [(0, 1, 2), (2, 0, 1), (1, 2, 0)])
def test_how_the_ct_is_stored_changes_no_picture(html, tmp_path, axes):
    ct = random_ct()
    write_audit_folder(tmp_path / "out", example_audit(ct, stored_otherwise(ct, axes)))
    other = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert re.findall(r'<svg class="picture".*?</svg>', other, re.DOTALL) == re.findall(
        r'<svg class="picture".*?</svg>', html, re.DOTALL
    )


def test_a_body_at_the_edge_of_the_ct_is_drawn_next_to_black(tmp_path):
    ct = random_ct()
    small = CtVolume(
        ct.voxels_hu[:, 10:48], ct.ras_from_ijk @ np.array([[1, 0, 0, 0], [0, 1, 0, 10], [0, 0, 1, 0], [0, 0, 0, 1.0]])
    )
    write_audit_folder(tmp_path / "out", example_audit(ct, small))
    drawings = pictures((tmp_path / "out" / "report.html").read_text(encoding="utf-8"))
    assert {drawing.find(".//image").get("height") for drawing in drawings} == {"38"}


def test_sides_are_marked_doubtful_where_the_ct_does_not_define_them(tmp_path, html):
    facts = ScanFacts(source="NIfTI", orientation_known=False)
    write_audit_folder(tmp_path / "out", example_audit(scan_facts=facts))
    doubted = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert [text.text for text in pictures(html)[0].iter("text")] == ["R", "L", "20 mm"]
    assert [text.text for text in pictures(doubted)[0].iter("text")] == ["R?", "L?", "20 mm"]


def test_verify_detects_an_edited_report(audit, folder, tmp_path):
    write_audit_folder(tmp_path / "out", audit)
    report = tmp_path / "out" / "report.html"
    report.write_text(
        report.read_text(encoding="utf-8").replace("osteoporosis cutoff", "upper cutoff"), encoding="utf-8"
    )
    (difference,) = verify_audit_folder(tmp_path / "out", audit.ct)
    assert difference.startswith("report.html: expected SHA-256")


def test_a_custom_protocol_is_listed_value_by_value(audit, folder):
    study_protocol = load_protocol()
    own = replace(study_protocol, protocol=study_protocol.protocol.with_values(slab_mm=5.0))
    text = Page(report_page(replace(audit, protocol=own), folder / "labelmaps", {})).text
    assert "Modified : 1 of" in text
    assert "slab_mm 5 (there 2.5)" in text
    assert "Not modified" in Page(report_page(replace(audit, protocol=study_protocol), folder / "labelmaps", {})).text


def hostile_document(document: dict) -> dict:
    """Return a copy in which every text that somebody may write freely is hostile."""
    words = {"name", "citation", "note", "source", "finds", "region"}

    def spoiled(value, key=""):
        if isinstance(value, dict):
            return {name: spoiled(inside, name) for name, inside in value.items()}
        if isinstance(value, list):
            return [spoiled(inside, "note" if key == "notes" else "") for inside in value]
        return STEERING if key in words and isinstance(value, str) else value

    return spoiled(copy.deepcopy(document))


def test_foreign_text_is_shown_and_never_becomes_markup(audit, folder, page):
    cutoffs = replace(
        CUTOFFS,
        name=STEERING,
        citation=LONG,
        document=hostile_document(CUTOFFS.document),
        cutoffs=replace(CUTOFFS.cutoffs, notes=(STEERING,) * len(CUTOFFS.cutoffs.notes)),
    )
    levels = tuple(replace(of, excluded=HOSTILE if of.excluded else "") for of in audit.result.levels)
    refusals = tuple(replace(of, excluded=LONG) for of in audit.result.refusals)
    findings = tuple(replace(of, sentence=STEERING, remedy=STEERING) for of in audit.result.findings)
    hostile = replace(
        audit,
        case=HOSTILE,
        reader=LONG,
        when=STEERING,
        protocol=replace(PROTOCOL, name=STEERING, document=hostile_document(PROTOCOL.document)),
        cutoffs=cutoffs,
        result=replace(audit.result, levels=levels, refusals=refusals, findings=findings),
        scan_facts=ScanFacts(
            kernel=f"\x00\x1b[31m{STEERING}", manufacturer=STEERING, source="\ud800", series_uid="1.2.3"
        ),
        extra={"history": [{"what": STEERING, "who": STEERING, "when": "now"}], "blinded": False},
    )
    html = report_page(hostile, folder / "labelmaps", {"results.csv": "0"})
    made = Page(html)
    assert made.unclosed == []
    assert set(made.tags) == set(page.tags)
    assert {(tag, name) for tag, name, _ in made.attributes} == {(tag, name) for tag, name, _ in page.attributes}
    assert HOSTILE in " ".join(made.words)
    assert " ".join(made.words).count("W" * 2000 + "… (10000 characters)") == 2
    assert " ".join(made.words).count("W" * 200 + "… (10000 characters)") == 3
    html.encode("utf-8")
    assert all(letter.isprintable() or letter == "\n" for letter in html)


def test_only_the_names_given_identify_the_patient(audit, folder, html):
    facts = replace(audit.scan_facts, series_uid="1.2.840.99999.1")
    reported = report_page(replace(audit, scan_facts=facts), folder / "labelmaps", {})
    assert "1.2.840.99999.1" not in reported
    assert "case 7" in reported
    assert re.findall(r"\b20\d\d-\d\d-\d\d\b", reported) == []


def test_the_distance_of_slices_is_shown_where_the_file_states_no_thickness(tmp_path):
    def stated(scan_facts):
        folder = tmp_path / scan_facts.source
        write_audit_folder(folder, example_audit(scan_facts=scan_facts))
        page = Page((folder / "report.html").read_text(encoding="utf-8"))
        return {row[0]: row[1] for row in page.tables["Acquisition"][1:]}

    rows = stated(ScanFacts(source="NRRD"))
    assert rows["Slice thickness"] == "not stated; from slice to slice 2.5 mm"
    assert rows["From slice to slice"] == "2.5 mm"
    assert stated(ScanFacts(slice_thickness_mm=3.0, source="DICOM"))["Slice thickness"] == "3 mm"
