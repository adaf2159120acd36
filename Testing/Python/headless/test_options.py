"""Effects of the options of lumbarhu measure, and the harmlessness of hostile or odd text in them."""

import csv
import json
import os
import re
import sys

import pytest
from headless.command_runner import lumbarhu, lumbarhu_process
from headless.phantom_files import files_of, rows_of, write_midlines

HOSTILE = ["=cmd|' /C calc'!A0", "+1+1", "-1+1", "@SUM(A1)", "＝1+1", "a;=1+1", '=HYPERLINK("http://x","y")', 'a"b,c']


@pytest.mark.parametrize("text", [*HOSTILE, "Müller 山田 🦴", "a" * 5000, "'quoted'"])
def test_text_never_becomes_a_formula_or_breaks_a_table(text, one_level, tmp_path):
    out = tmp_path / "out"
    texts = [f"--case={text}", f"--reader={text}", f"--exclude=L3={text}"]
    run = lumbarhu("measure", one_level.ct, "--markups", one_level.markups, "--out", out, *texts)
    assert (run.exit_code, run.err) == (0, "")
    for name, count in (("results.csv", 5), ("summary.csv", 5)):
        raw = (out / name).read_text(encoding="utf-8")
        assert len(raw.splitlines()) == count + 1
        for separator in (",", ";", "\t"):
            for row in csv.reader(raw.splitlines(), delimiter=separator):
                assert [cell for cell in row if is_formula(cell)] == []
    assert {row["case"].replace("'", "") for row in rows_of(out / "results.csv")} == {text.replace("'", "")}
    record = json.loads((out / "record.json").read_text(encoding="utf-8"))
    assert (record["case"], record["reader"], record["levels"][0]["excluded"]) == (text, text, text)
    assert lumbarhu("verify", out, "--ct", one_level.ct).exit_code == 0


def is_formula(cell: str) -> bool:
    return bool(re.match(r"\s*[=+\-@＝＋－＠]", cell)) and not re.fullmatch(r"-?[\d.]+(e[-+]\d+)?", cell)


@pytest.mark.parametrize("text", ["a\nb", "a\rb", "a\tb", "a\x00b", "\x1b[31mred", "a\u2028b", "\u202eabc"])
def test_text_that_is_not_printable_is_refused_in_one_line(text, one_level, tmp_path):
    for option in ("--case", "--reader", "--exclude"):
        value = f"L3={text}" if option == "--exclude" else text
        run = lumbarhu(
            "measure", one_level.ct, "--markups", one_level.markups, "--out", tmp_path / "out", f"{option}={value}"
        )
        assert (run.exit_code, run.out) == (2, "")
        assert run.err.count("\n") == 1
        assert text not in run.err
    assert list(tmp_path.iterdir()) == []


def test_a_level_is_omitted_from_the_mean_with_its_reason_and_the_expected_shift(spine, tmp_path):
    out = tmp_path / "out"
    run = lumbarhu("measure", spine.ct, "--markups", spine.markups, "--out", out, "--exclude", "l1 = old fracture")
    assert (run.exit_code, run.err) == (0, "")
    rows = rows_of(out / "results.csv")
    assert {row["level"]: row["excluded"] for row in rows} == {"L1": "old fracture", "L2": "", "L3": "", "L4": ""}
    assert all(float(row["mean_hu"]) for row in rows)
    for summary in rows_of(out / "summary.csv"):
        means = [float(row["mean_hu"]) for row in rows if row["roi"] == summary["roi"] and row["level"] != "L1"]
        assert summary["levels"] == "L2;L3;L4"
        assert float(summary["mean_hu"]) == pytest.approx(sum(means) / 3, abs=1e-12)
        assert "levels_missing" in summary["findings"]
    assert "L1 (old fracture)" in run.out
    # The study's medians for osteopenia, round: without L1.
    assert "-7.7 HU" in run.out


def test_several_levels_are_excluded_by_one_option_or_by_several(spine, tmp_path):
    ways = {
        "one": ["--exclude", "L1=fracture, old, l2 = cement"],
        "several": ["--exclude", "L1=fracture, old", "--exclude=L2=cement"],
    }
    for name, options in ways.items():
        run = lumbarhu("measure", spine.ct, "--markups", spine.markups, "--out", tmp_path / name, *options)
        assert (run.exit_code, run.err) == (0, "")
    rows = rows_of(tmp_path / "one" / "results.csv")
    excluded = {row["level"]: row["excluded"] for row in rows}
    assert excluded == {"L1": "fracture, old", "L2": "cement", "L3": "", "L4": ""}
    assert files_of(tmp_path / "one") == files_of(tmp_path / "several")


def test_an_excluded_level_needs_no_midline(spine, tmp_path):
    midlines = write_midlines(tmp_path / "markups", spine.phantom, ("L1", "L2", "L3"))
    out = tmp_path / "out"
    run = lumbarhu("measure", spine.ct, "--markups", midlines, "--out", out, "--exclude=L4=metal")
    assert (run.exit_code, run.err) == (0, "")
    (row, *_) = [row for row in rows_of(out / "results.csv") if row["level"] == "L4"]
    assert (row["mean_hu"], row["excluded"], row["findings"]) == ("", "metal", "not_measured")
    assert lumbarhu("verify", out, "--ct", spine.ct).exit_code == 0


def test_fewer_than_two_levels_are_not_classified(one_level, spine, tmp_path):
    for files, levels in ((one_level, "L3"), (spine, "l2")):
        out = tmp_path / levels
        run = lumbarhu("measure", files.ct, "--markups", files.markups, "--out", out, "--levels", levels)
        assert run.exit_code == 0
        assert {row["class"] for row in rows_of(out / "summary.csv")} == {"not_classified"}
        assert {"too_few_levels"} <= set(rows_of(out / "summary.csv")[0]["findings"].split(";"))


def test_order_and_spelling_of_options_change_nothing(spine, tmp_path):
    paths = [str(spine.ct), str(spine.markups)]
    ways = [
        ["measure", paths[0], "--markups", paths[1], "--levels", "L1,L2", "--reader", "AB", "--reading", "2", "--out"],
        ["measure", "--reading=2", "--levels= l2 ,L1,", "--reader=AB", "--markups", paths[1], "--", paths[0]],
    ]
    run = lumbarhu(*ways[0], tmp_path / "a")
    assert (run.exit_code, run.err) == (0, "")
    run = lumbarhu(*ways[1][:1], f"--out={tmp_path / 'b'}", *ways[1][1:])
    assert (run.exit_code, run.err) == (0, "")
    assert files_of(tmp_path / "a") == files_of(tmp_path / "b")
    assert {(row["reader"], row["reading"]) for row in rows_of(tmp_path / "a" / "results.csv")} == {("AB", "2")}


def test_a_custom_protocol_and_custom_cutoffs_are_used_and_recorded(spine, repository, tmp_path):
    resources = repository / "LumbarHU" / "Resources"
    protocol = json.loads((resources / "Protocols" / "lumbarhu-2022-study.json").read_text(encoding="utf-8"))
    protocol["name"] = "A wide margin"
    protocol["values"]["cortical_margin_mm"]["value"] = 4.0
    protocol["values"]["lateral_extent"]["value"] = "anterior"
    cutoffs = json.loads((resources / "Cutoffs" / "shanghai-2022.json").read_text(encoding="utf-8"))
    cutoffs["name"] = "Cutoffs of ones own"
    cutoffs["rois"]["round"]["normal"]["value"] = 92.0
    cutoffs["rois"]["round"]["osteoporosis"]["value"] = 90.0
    for name, document in (("p.json", protocol), ("c.json", cutoffs)):
        (tmp_path / name).write_text(json.dumps(document), encoding="utf-8")
    out, plain = tmp_path / "out", tmp_path / "plain"
    common = ["measure", spine.ct, "--markups", spine.markups, "--out"]
    run = lumbarhu(*common, out, "--protocol", tmp_path / "p.json", "--cutoffs", tmp_path / "c.json")
    assert (run.exit_code, run.err) == (0, "")
    assert lumbarhu(*common, plain).exit_code == 0
    record = json.loads((out / "record.json").read_text(encoding="utf-8"))
    assert record["protocol_values"]["cortical_margin_mm"] == 4.0
    assert (record["protocol"], record["cutoffs"]) == (protocol, cutoffs)
    for row, usual in zip(rows_of(out / "results.csv"), rows_of(plain / "results.csv"), strict=True):
        assert int(row["voxels"]) < int(usual["voxels"])
    (summary, *_) = rows_of(out / "summary.csv")
    assert (summary["normal_cutoff_hu"], summary["class"]) == ("92.0", "normal")
    assert lumbarhu("verify", out, "--ct", spine.ct).exit_code == 0


@pytest.mark.parametrize("name", ["with space", "ünï 山", "CON.nrrd.d", "a;b&c'd", "-dash", "tr.ail.", "a" * 200])
def test_relative_paths_of_any_name_work(name, one_level, tmp_path, monkeypatch):
    folder = tmp_path / name
    folder.mkdir()
    (folder / f"ct {name[:20]}.nrrd").write_bytes(one_level.ct.read_bytes())
    write_midlines(folder / "my markups", one_level.phantom)
    monkeypatch.chdir(tmp_path)
    relative = f"./{name}"
    ct = f"{relative}/ct {name[:20]}.nrrd"
    run = lumbarhu("measure", ct, "--markups", f"{relative}/my markups", "--out", f"{relative}/{name}")
    assert (run.exit_code, run.err) == (0, "")
    monkeypatch.chdir(folder)
    run = lumbarhu(
        "verify", name if not name.startswith("-") else f"./{name}", "--ct", f"../{name}/ct {name[:20]}.nrrd"
    )
    assert (run.exit_code, run.err) == (0, "")


def test_the_audit_folder_contains_no_name_of_a_file_or_folder(one_level, tmp_path):
    folder = tmp_path / "MUSTERMANN"
    write_midlines(folder, one_level.phantom)
    ct = folder / "Mustermann_Erika.nrrd"
    ct.write_bytes(one_level.ct.read_bytes())
    run = lumbarhu("measure", ct, "--markups", folder, "--out", tmp_path / "out", "--scene")
    assert run.exit_code == 0
    import zipfile

    texts = list(files_of(tmp_path / "out").values())
    with zipfile.ZipFile(tmp_path / "out" / "scene.mrb") as bundle:
        texts += [bundle.read(name) + name.encode() for name in bundle.namelist()]
    assert [text for text in texts if b"mustermann" in text.lower()] == []
    assert {row["case"] for row in rows_of(tmp_path / "out" / "results.csv")} == {"unnamed"}


def test_the_printed_output_is_the_summary(spine, audit, tmp_path):
    run = lumbarhu("measure", spine.ct, "--markups", spine.markups, "--out", tmp_path / "out")
    for summary in rows_of(audit / "summary.csv"):
        assert f"{float(summary['mean_hu']):.1f}" in run.out
    assert "For research only; not a diagnosis." in run.out
    assert not re.search("excluded|ruled out", run.out)


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
def test_the_table_is_printed_on_any_terminal(encoding, one_level, tmp_path):
    before = f"sys.stdout.reconfigure(encoding='{encoding}', errors='strict')"
    out = tmp_path / "Ω山"
    run = lumbarhu_process(
        *("measure", one_level.ct, "--markups", one_level.markups, "--out", out), before=before, encoding=encoding
    )
    assert (run.exit_code, run.err) == (0, "")


def test_a_closed_output_pipe_is_not_an_error(one_level, tmp_path):
    leave = "import os; end, pipe = os.pipe(); os.close(end); os.dup2(pipe, 1)"
    run = lumbarhu_process(
        "measure", one_level.ct, "--markups", one_level.markups, "--out", tmp_path / "out", before=leave
    )
    assert (run.exit_code, run.err) == (0, "")
    assert (tmp_path / "out" / "record.json").is_file()


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_a_program_without_a_console_measures_anyway(stream, one_level, tmp_path):
    without = f"sys.{stream} = None"
    run = lumbarhu_process(
        "measure", one_level.ct, "--markups", one_level.markups, "--out", tmp_path / "out", before=without
    )
    assert (run.exit_code, run.err) == (0, "")


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no file names that are not Unicode")
def test_a_file_name_that_is_not_text_is_refused(one_level, tmp_path):
    odd = tmp_path / os.fsdecode(b"odd\xff")
    odd.mkdir()
    ct = odd / "ct.nrrd"
    ct.write_bytes(one_level.ct.read_bytes())
    run = lumbarhu_process("measure", ct, "--markups", one_level.markups, "--out", tmp_path / "out")
    assert (run.exit_code, run.out) == (2, "")
    assert run.err.count("\n") == 1
    assert "not UTF-8" in run.err


def test_version_and_help_are_shown():
    assert re.fullmatch(r"LumbarHU \d+\.\d+\.\d+\S*\n", lumbarhu("--version").out)
    for command in ([], ["demo"], ["measure"], ["verify"]):
        run = lumbarhu(*command, "--help")
        assert (run.exit_code, run.err) == (0, "")
        assert run.out.startswith("usage: lumbarhu")
