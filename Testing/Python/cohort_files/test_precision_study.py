"""A site's precision study: what it is bound to, what makes it doubtful, and its file."""

import json
import shutil

import jsonschema
import numpy as np
import pytest
from audit.forger import in_record
from headless.cohort_files import write_table

import lumbarhu
from LumbarHULib.cohort_files.precision_file import published_precision, read_precision
from LumbarHULib.files.resources import resource_path

LEVELS = ("L1", "L2", "L3", "L4")


def readings(patients=30, times=2, sd_hu=4.0, rois=("round", "oval"), seed=1, by_mean=0.0, reader="AB") -> list[dict]:
    """Return the rows of results.csv of patients who were measured repeatedly."""
    rng = np.random.default_rng(seed)
    rows = []
    for patient in range(patients):
        true_hu = rng.uniform(50, 230)
        for number in range(1, times + 1):
            for level in LEVELS:
                for roi in rois:
                    hu = true_hu + rng.normal(0, sd_hu + by_mean * true_hu)
                    rows.append(
                        {"case": f"P{patient:02}", "reader": reader, "reading": number, "level": level, "roi": roi}
                        | {"mean_hu": round(hu, 3), "excluded": ""}
                    )
    return rows


@pytest.fixture
def study(tmp_path):
    """Return a function from rows and options to the study of this table."""

    def made(rows, out=None, **options):
        return lumbarhu.precision_study(write_table(tmp_path / "readings.csv", rows), out, **options)

    return made


def codes(found) -> list[str]:
    return [finding.code for finding in found.findings]


def test_every_level_and_every_mean_has_a_row_of_each_region(study):
    rows = study(readings()).rows()
    assert [row["levels"] for row in rows if row["roi"] == "oval"] == [
        *("L1", "L2", "L3", "L4", "L1;L2", "L1;L3", "L1;L4", "L2;L3", "L2;L4", "L3;L4"),
        *("L1;L2;L3", "L1;L2;L4", "L1;L3;L4", "L2;L3;L4", "L1;L2;L3;L4"),
    ]
    assert len(rows) == 30


def test_the_lsc_is_2_77_times_the_error_that_was_simulated(study):
    found = {(row["roi"], row["levels"]): row for row in study(readings(patients=2000)).rows()}
    assert found["round", "L2"]["lsc_hu"] == pytest.approx(2.77 * 4.0, rel=0.04)
    assert found["round", "L1;L2;L3;L4"]["lsc_hu"] == pytest.approx(2.77 * 4.0 / 2, rel=0.04)
    assert found["round", "L1;L3"]["lsc_low"] < 2.77 * 4.0 / np.sqrt(2) < found["round", "L1;L3"]["lsc_high"]


def test_the_regions_of_the_stated_protocol_are_studied(study):
    found = study(readings(rois=("circle_200mm2",)), protocol="circle-200mm2-2025")
    assert {row["roi"] for row in found.rows()} == {"circle_200mm2"}
    assert found.document["protocol"]["regions"]["circle_200mm2"]["area_mm2"]["value"] == 200


@pytest.mark.parametrize(
    ("roi", "protocol", "title"),
    [
        ("circle_200mm2", None, "LumbarHU study protocol 2022 1.0.0” measures round, oval, right, front, left"),
        ("round", "three-slice", "Three slices 1.0.0” measures three_ellipses"),
    ],
)
def test_a_region_that_the_protocol_lacks_is_refused_with_the_regions_it_has(study, roi, protocol, title):
    with pytest.raises(lumbarhu.InputError, match=f"has the region {roi}, but “{title}: state the protocol"):
        study(readings(rois=(roi,)), protocol=protocol)


def test_a_repeated_column_is_refused_because_either_could_count(tmp_path):
    path = tmp_path / "readings.csv"
    path.write_text("case,reader,reading,level,roi,mean_hu,Mean_HU\nP,A,1,L1,round,1,2\n", encoding="utf-8")
    with pytest.raises(lumbarhu.InputError, match=r"“readings.csv” has the column “mean_hu” twice: keep one of them"):
        lumbarhu.precision_study(path)


def test_a_decimal_comma_without_quotes_never_becomes_another_number(study, tmp_path):
    table = write_table(tmp_path / "readings.csv", readings(31, rois=("round",)))
    header, first, *rows = table.read_text(encoding="utf-8").splitlines()
    place = header.split(",").index("mean_hu")
    cells = first.split(",")
    cells[place] = cells[place].replace(".", ",")
    table.write_text("\n".join([header, ",".join([*cells, "x"]), *rows]) + "\n", encoding="utf-8")
    found = lumbarhu.precision_study(table)
    (finding,) = [finding for finding in found.findings if finding.code == "unusable_row"]
    assert (
        f"row 2: the row has {len(cells) + 2} cells under {len(cells)} columns; the row is omitted" in finding.sentence
    )
    assert {row["levels"]: row["patients"] for row in found.rows()}["L1"] == 30


def test_thirty_twice_and_fifteen_three_times_are_enough_and_less_is_said(study):
    assert "few_degrees_of_freedom" not in codes(study(readings(30, 2)))
    assert "few_degrees_of_freedom" not in codes(study(readings(15, 3)))
    few = study(readings(14, 3))
    (finding,) = [finding for finding in few.findings if finding.code == "few_degrees_of_freedom"]
    assert "only 28 degrees of freedom" in finding.sentence
    assert "asks for 30: 30 patients measured twice, or 15 three times" in finding.sentence


def test_an_error_that_grows_with_the_mean_is_a_finding(study):
    grown = study(readings(60, sd_hu=0.0, by_mean=0.06))
    sentences = [finding.sentence for finding in grown.findings if finding.code == "sd_depends_on_mean"]
    assert any("round, L1–L4 depends on the mean (+" in sentence for sentence in sentences)
    assert all("too small for high means" in sentence for sentence in sentences)
    assert "sd_depends_on_mean" not in codes(study(readings()))


def test_copies_and_single_measurements_are_findings(study):
    rows = readings(20)
    first = [row for row in rows if row["reading"] == 1]
    copies = [{**row, "case": f"copy {row['case']}", "reading": number} for row in first[:8] for number in (1, 2)]
    alone = [{**row, "case": "alone"} for row in first[:8]]
    found = study(rows + copies + alone)
    assert {"identical_measurements", "measured_once"} <= set(codes(found))


def test_measurements_that_are_all_copies_give_no_study(study):
    rows = [{**row, "reading": number} for row in readings(20, 1) for number in (1, 2)]
    with pytest.raises(lumbarhu.InputError, match="All repeated measurements are identical in the 20 patients"):
        study(rows)


def test_patients_who_were_measured_once_give_no_study(study):
    with pytest.raises(lumbarhu.InputError, match="needs at least 2 patients with two measurements, but there are 0"):
        study(readings(30, 1))


def test_excluded_levels_and_unusable_rows_are_not_used(study):
    rows = readings(30, 2, rois=("round",))
    for row in rows[:4]:
        row["excluded"] = "fracture" if row["level"] == "L2" else ""
    rows[6]["mean_hu"] = "12 HU?"
    found = study(rows)
    by_levels = {row["levels"]: row for row in found.rows()}
    assert [by_levels[levels]["patients"] for levels in ("L1", "L2", "L3", "L1;L2;L3;L4")] == [30, 29, 29, 29]


def test_what_the_table_does_not_state_is_a_finding_until_the_user_states_it(study):
    assert codes(study(readings())) == ["protocol_assumed", "not_repeated_scans", "scanner_unknown"]
    stated = study(
        readings(),
        protocol=resource_path("Protocols", "lumbarhu-2022-study.json"),
        repeated="scans",
        manufacturer="SIEMENS",
        scanner_model="Sensation 64",
        tube_voltage_kv=120.0,
    )
    assert codes(stated) == []
    assert stated.document["acquisition"] == {
        "manufacturer": "SIEMENS",
        "scanner_model": "Sensation 64",
        "tube_voltage_kv": 120.0,
    }


def test_a_repeated_reading_of_one_scan_is_a_finding(study):
    (finding,) = [one for one in study(readings(), repeated="readings").findings if one.code == "not_repeated_scans"]
    assert finding.sentence.startswith("Every measurement of a patient is a reading of the same scan")


def test_protocol_scanner_and_repetition_come_from_the_audit_folders(own_scanned_twice):
    found = with_audits(own_scanned_twice)
    assert found.document["repeated"] == "scans"
    assert found.document["protocol"]["name"].endswith("(few trials)")
    assert found.document["acquisition"]["scanner_model"] == "Sensation 64"
    assert codes(found) == ["few_degrees_of_freedom"]
    # L2 is excluded.
    assert {row["levels"] for row in found.rows()} == {"L1", "L3", "L1;L3"}


def with_audits(folder, **options):
    return lumbarhu.precision_study(folder.parent / "results.csv", audits=folder, **options)


def test_two_readings_of_one_scan_are_recognized_by_its_voxels(own_scanned_twice):
    for case in ("P1", "P2"):
        for number in (1, 2):
            in_record("ct", "voxels_sha256", to=case[1] * 64)(own_scanned_twice / f"{case}_{number}")
    assert with_audits(own_scanned_twice).document["repeated"] == "readings"
    with pytest.raises(lumbarhu.InputError, match=r"stated to repeat scans, but by the records .* repeats readings"):
        with_audits(own_scanned_twice, repeated="scans")
    in_record("ct", "voxels_sha256", to="3" * 64)(own_scanned_twice / "P2_1")
    assert with_audits(own_scanned_twice).document["repeated"] == "mixed"


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (in_record("ct", "headers", "scanner_model", to="Force"), "The readings differ in scanner model"),
        (in_record("ct", "headers", "tube_voltage_kv", to=100.0), r"differ in tube voltage \(“100.0” and “120.0”\)"),
        (in_record("protocol", "version", to="2"), "were made with different protocols"),
        (in_record("protocol_values", "slab_mm", to=9.0), "with different values"),
    ],
)
def test_two_scanners_or_protocols_are_not_one_study(own_scanned_twice, change, match):
    change(own_scanned_twice / "P2_1")
    with pytest.raises(lumbarhu.InputError, match=match):
        with_audits(own_scanned_twice)


def test_a_scanner_that_one_record_does_not_state_is_unknown(own_scanned_twice):
    in_record("ct", "headers", "scanner_model", to=None)(own_scanned_twice / "P2_1")
    found = with_audits(own_scanned_twice)
    assert found.document["acquisition"]["scanner_model"] is None
    assert "scanner_unknown" in codes(found)


def test_a_statement_that_the_records_contradict_is_refused(own_scanned_twice):
    with pytest.raises(lumbarhu.InputError, match="stated as “GE”, but the audit folders state “SIEMENS”"):
        with_audits(own_scanned_twice, manufacturer="GE")
    with pytest.raises(lumbarhu.InputError, match="give either the audit folders or a protocol file"):
        with_audits(own_scanned_twice, protocol=resource_path("Protocols", "lumbarhu-2022-study.json"))


def test_readings_without_an_audit_folder(own_scanned_twice, tmp_path):
    shutil.rmtree(own_scanned_twice / "P2_1")
    assert "reading_without_audit" in codes(with_audits(own_scanned_twice))
    for folder in own_scanned_twice.iterdir():
        in_record("reader", to="other")(folder)
    with pytest.raises(lumbarhu.InputError, match="None of the table's readings has an audit folder"):
        with_audits(own_scanned_twice)
    with pytest.raises(lumbarhu.InputError, match="contains no audit folder"):
        lumbarhu.precision_study(tmp_path / "results.csv", audits=tmp_path / "audits" / "P1_1" / "labelmaps")
    with pytest.raises(lumbarhu.InputError, match="There is no folder"):
        lumbarhu.precision_study(tmp_path / "results.csv", audits=tmp_path / "none")


def test_two_folders_of_one_reading_are_refused(own_scanned_twice):
    shutil.copytree(own_scanned_twice / "P1_1", own_scanned_twice / "copy")
    with pytest.raises(lumbarhu.InputError, match="are both reading 1 of P1 by AB: keep one of them"):
        with_audits(own_scanned_twice)


def test_a_damaged_record_is_named(own_scanned_twice):
    (own_scanned_twice / "P1_1" / "record.json").write_text("{}", encoding="utf-8")
    with pytest.raises(lumbarhu.InputError, match=r"record.json” is damaged: measure the CT again"):
        with_audits(own_scanned_twice)


def test_the_file_is_read_back_and_valid_by_another_validator(study, tmp_path):
    found = study(readings(), tmp_path / "precision.json")
    document = json.loads((tmp_path / "precision.json").read_text(encoding="utf-8"))
    schema = json.loads(resource_path("Schemas", "precision.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(schema).validate(document)
    known = read_precision(tmp_path / "precision.json")
    by_key = {(row["roi"], tuple(row["levels"].split(";"))): row["lsc_hu"] for row in found.rows()}
    assert {key: one.lsc_hu for key, one in known.lsc.items()} == by_key
    assert document["precision"][0]["patients"][0]["case"] == "P00"
    assert list(tmp_path.glob(".*")) == []


def test_the_published_values_are_valid_by_another_validator():
    schema = json.loads(resource_path("Schemas", "published-precision.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(schema).validate(published_precision().document)


def test_only_a_file_of_a_study_is_replaced(study, tmp_path):
    out = tmp_path / "precision.json"
    study(readings(), out)
    with pytest.raises(lumbarhu.InputError, match="already exists: choose another name, or overwrite it"):
        study(readings(), out)
    before = out.read_bytes()
    study(readings(), out, overwrite=True)
    assert out.read_bytes() == before
    out.write_text("{}", encoding="utf-8")
    with pytest.raises(lumbarhu.InputError, match="was not made by lumbarhu precision and is not overwritten"):
        study(readings(), out, overwrite=True)
    assert out.read_text(encoding="utf-8") == "{}"
    with pytest.raises(lumbarhu.InputError, match="is a folder: give the name of a file"):
        study(readings(), tmp_path)
    with pytest.raises(lumbarhu.InputError, match=r"precision\.json” is a file: choose another folder"):
        study(readings(), out / "precision.json")


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda file: file["precision"][0].pop("lsc_hu"), r"“precision\[0\]” lacks “lsc_hu”: add it"),
        (lambda file: file["precision"][0].update(lsc_hu=-1.0), r"“precision\[0\].lsc_hu” is -1: use more than 0"),
        (lambda file: file["precision"][0].update(lsc_hu=500.0), "is outside its own interval"),
        (lambda file: file["precision"].append(file["precision"][0]), "round at L1 occurs twice"),
        (lambda file: file.update(repeated="twice"), '“repeated” is "twice": write'),
        (lambda file: file["protocol"].pop("version"), "“protocol” lacks “version”"),
        (lambda file: file.update(schema="lumbarhu-record-1"), "“schema” is"),
    ],
)
def test_a_mistake_in_the_file_is_named_with_its_line(study, tmp_path, change, match):
    path = tmp_path / "precision.json"
    study(readings(), path)
    document = json.loads(path.read_text(encoding="utf-8"))
    change(document)
    path.write_text(json.dumps(document, indent=1), encoding="utf-8")
    with pytest.raises(lumbarhu.InputError, match=rf"precision.json, line \d+: .*{match}"):
        read_precision(path)


def test_another_word_than_scans_or_readings_is_refused(study):
    with pytest.raises(lumbarhu.InputError, match="“twice” cannot be repeated: give scans or readings"):
        study(readings(), repeated="twice")


def test_a_table_without_readings_is_refused(study):
    rows = [{**readings(1, 1)[0], "mean_hu": ""}]
    with pytest.raises(lumbarhu.InputError, match="contains no usable reading"):
        study(rows)
    with pytest.raises(lumbarhu.InputError, match="lacks the column “roi”"):
        study([{"case": "P1", "reader": "AB", "reading": 1, "level": "L1", "mean_hu": 100}])
