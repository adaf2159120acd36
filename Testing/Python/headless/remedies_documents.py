"""Remedies of what is wrong with protocol and cutoffs files, and with audit folders."""

import json
import shutil
from pathlib import Path

from headless.command_runner import lumbarhu
from headless.remedies import Bench, Remedy, independent, measure
from headless.remedies_acquisition import CUTOFFS, PROTOCOL
from headless.untrue_inputs import stated


def _document(option: str, source: Path, edit):
    """Return a function that measures with a protocol or cutoffs file whose text `edit` changed."""

    def command(bench: Bench) -> list[object]:
        path = bench.text("own.json", edit(source.read_text(encoding="utf-8")))
        return measure(bench.files.ct, "--markups", bench.files.markups, option, path)

    return command


_SHIPPED_PROTOCOL = independent(_document("--protocol", PROTOCOL, str))
_SHIPPED_CUTOFFS = independent(_document("--cutoffs", CUTOFFS, str))


def _protocol(says: str, edit) -> Remedy:
    """Return a remedy: the file is corrected as the sentence says, which gives the shipped one again."""
    return Remedy(says, _document("--protocol", PROTOCOL, edit), _SHIPPED_PROTOCOL)


def _cutoffs(says: str, edit) -> Remedy:
    return Remedy(says, _document("--cutoffs", CUTOFFS, edit), _SHIPPED_CUTOFFS)


def _values(change):
    """Return an edit of a document's values."""

    def edit(text: str) -> str:
        document = json.loads(text)
        change(document)
        return json.dumps(document, indent=1)

    return edit


def _lacking(text: str) -> str:
    return _values(lambda document: document["values"].pop("cortical_margin_mm"))(text)


DOCUMENTS = (
    _protocol("line .*: a comma or } is missing after this value: add it", lambda text: text.replace(",\n", "\n", 1)),
    _protocol("a comma before the closing }: remove it", lambda text: text.rstrip()[:-1].rstrip() + ",\n}"),
    _protocol("a colon is missing after “.*”: add it", lambda text: text.replace('"name":', '"name"', 1)),
    _protocol("occurs twice, .*: remove one", lambda text: text.replace('"name":', '"name": "a",\n"name":', 1)),
    _protocol("text after the end of the JSON document: remove it", lambda text: text + "x"),
    _protocol(
        "is not a known name: write “cortical_margin_mm”",
        lambda text: text.replace('"cortical_margin_mm"', '"cortical_margin"', 1),
    ),
    _protocol("lacks .*cortical_margin_mm.*: add it", _lacking),
    _protocol("“name” is empty: fill it in", _values(lambda document: document.update(name=""))),
    _cutoffs(
        "not below the normal cutoff .*: exchange or correct them",
        _values(lambda document: document["rois"]["round"]["osteoporosis"].update(value=125.0)),
    ),
    _cutoffs(
        "is outside its interval .*: correct one of them",
        _values(lambda document: document["rois"]["round"]["osteoporosis"].update(value=30.0)),
    ),
    _cutoffs(
        "“whose” is .*: use 1 to 40 printable characters", _values(lambda document: document.update(whose="a" * 50))
    ),
)


def _verify(damage):
    """Return a function that verifies a copy of an audit folder, or the path that `damage(folder)` returns."""

    def command(bench: Bench) -> list[object]:
        folder = bench.folder / "audit"
        shutil.copytree(bench.honest.audit, folder)
        return ["verify", damage(folder) or folder, "--ct", bench.files.ct]

    return command


def _link_to_nothing(folder: Path) -> None:
    (folder / "more").symlink_to(folder / "nowhere")


def _repaired(bench: Bench) -> list[object]:
    """Verify the folder itself, without a link to a missing file."""
    (bench.folder / "audit" / "more").unlink(missing_ok=True)
    return ["verify", bench.folder / "audit", "--ct", bench.files.ct]


def _index(*parts: str):
    """Return a function that indexes a folder in the bench's, where `cases/a` is an audit folder."""

    def command(bench: Bench) -> list[object]:
        shutil.copytree(bench.honest.audit, bench.folder / "cases" / "a", dirs_exist_ok=True)
        (bench.folder / "bare").mkdir(exist_ok=True)
        return ["index", bench.folder.joinpath(*parts)]

    return command


def _foreign_page(bench: Bench) -> list[object]:
    bench.text("cases/index.html", "<title>My page</title>")
    return _index("cases")(bench)


def _page_renamed(bench: Bench) -> list[object]:
    (bench.folder / "cases" / "index.html").rename(bench.folder / "cases" / "mine.html")
    return _index("cases")(bench)


def _export(name: str, **headers: object):
    """Return a function that exports a measured series with these headers as DICOM objects."""

    def command(bench: Bench) -> list[object]:
        series, audit = bench.folder / name / "ct", bench.folder / name / "audit"
        bench.honest.series(series, stated(**headers))
        lumbarhu("measure", series, "--markups", bench.files.markups, "--out", audit)
        return ["export-dicom", audit, "--ct", series, "--out", bench.folder / name / "dicom"]

    return command


FOLDERS = (
    Remedy("There is no folder .*: check the path", _verify(lambda folder: folder / "nowhere"), _repaired),
    Remedy("not an audit folder of LumbarHU: choose its subfolder “", _verify(lambda folder: folder.parent), _repaired),
    Remedy("choose the folder that an export created", _verify(lambda folder: folder / "markups"), _repaired),
    Remedy("a pipe or a broken link: remove it, or restore the file", _verify(_link_to_nothing), _repaired),
    Remedy("itself an audit folder: choose the folder that contains it", _index("cases", "a"), _index("cases")),
    Remedy("contains no audit folder .*: choose the folder to which cases", _index("bare"), _index("cases")),
    Remedy("not made by LumbarHU and is not overwritten: move or rename it", _foreign_page, _page_renamed),
    Remedy(
        "state the same SOPInstanceUID.*: export the original series again",
        _export("given", SOPInstanceUID="1.2.3.4"),
        _export("again"),
    ),
)
