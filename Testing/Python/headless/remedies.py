"""Sentences with a remedy: how each is provoked, what it says, and what a user does who follows it."""

import json
import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK
from headless.command_runner import Outcome, lumbarhu
from headless.phantom_files import PhantomFiles, points_of, write_line
from headless.untrue_inputs import Honest, every_finding, findings_of

LEFT_RAS, ANTERIOR_RAS, SUPERIOR_RAS = np.array([[-1.0, 0, 0], [0, 1, 0], [0, 0, 1]])

# Placeholder of the output path in a command line.
OUT = "<output path>"


@dataclass(frozen=True, eq=False)
class Bench:
    """Faultless inputs, which are copied and then damaged.

    Parameters
    ----------
    honest : Honest
        One level and four levels, as files and as DICOM slices.
    folder : pathlib.Path
        A folder for this sentence alone.
    """

    honest: Honest
    folder: Path

    @property
    def files(self) -> PhantomFiles:
        """Return the CT and markups of L3 alone."""
        return self.honest.files

    @property
    def spine(self) -> PhantomFiles:
        """Return the CT and markups of L1 to L4."""
        return self.honest.spine.files

    @property
    def midline(self) -> np.ndarray:
        """Return the true midline of L3, anterior and posterior end, RAS mm."""
        return self.files.phantom.truth["L3"].midline_ras_mm

    def markups(self, points=None) -> Path:
        """Return a folder with the midline of L3, at these points or at the true ones."""
        write_line(self.folder / "markups" / "L3-midline.mrk.json", self.midline if points is None else points)
        return self.folder / "markups"

    def outline(self) -> np.ndarray:
        """Return the points of the outline that LumbarHU found for L3, RAS mm."""
        return points_of(self.honest.audit / "markups" / "L3-outline.mrk.json")

    def spine_markups(self) -> Path:
        """Return a copy of the midlines of four levels."""
        if not (self.folder / "spine").exists():
            shutil.copytree(self.spine.markups, self.folder / "spine")
        return self.folder / "spine"

    def text(self, name: str, content: str) -> Path:
        """Write a text file."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
        return path

    def changed_json(self, source: Path, name: str, change: Callable[[dict], object]) -> Path:
        """Write a copy of a JSON file that `change` changed."""
        document = json.loads(source.read_text(encoding="utf-8"))
        change(document)
        return self.text(name, json.dumps(document, ensure_ascii=False, indent=1))

    def image(self, name: str, voxels: np.ndarray, like: PhantomFiles | None = None) -> Path:
        """Write voxels on the grid of a CT by SimpleITK."""
        image = SimpleITK.GetImageFromArray(voxels)
        image.CopyInformation(SimpleITK.ReadImage(str((like or self.files).ct)))
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        SimpleITK.WriteImage(image, str(path))
        return path


Command = Sequence[object]


@dataclass(frozen=True)
class Remedy:
    """One sentence.

    Parameters
    ----------
    says : str
        A regular expression that the sentence matches, with its remedy.
    fault, follow : callable
        Called with `Bench` in this order; return a command line: the one that is refused or gives the finding, and
        the one after the remedy was followed to the letter.
    code : str
        Code of the finding; empty for a refusal.
    becomes : str
        What the finding says afterwards, as a regular expression, where following its remedy does not remove it.
    """

    says: str
    fault: Callable[[Bench], Command]
    follow: Callable[[Bench], Command]
    code: str = ""
    becomes: str = ""


def measure(ct: object, *options: object) -> list[object]:
    """Return a command line that measures."""
    return ["measure", ct, *options, "--out", OUT]


def run(command: Command, destination: Path) -> Outcome:
    """Run a command line with its output path filled in."""
    return lumbarhu(*(destination if argument is OUT else argument for argument in command))


def independent(follow: Callable[[Bench], Command]) -> Callable[[Bench], Command]:
    """Mark a remedy that leads back to faultless inputs: it is followed once for all sentences that have it."""
    follow.is_independent = True
    return follow


# Outcome and record of the independent remedies that were followed.
_FOLLOWED: dict[Callable[[Bench], Command], tuple[Outcome, Mapping | None]] = {}


def _followed(follow: Callable[[Bench], Command], bench: Bench) -> tuple[Outcome, Mapping | None]:
    """Follow a remedy; return the outcome, and the record in the audit folder if there is one."""
    if follow in _FOLLOWED:
        return _FOLLOWED[follow]
    destination = bench.folder / "second" / "audit"
    outcome = run(follow(bench), destination)
    path = destination / "record.json"
    record = json.loads(path.read_text(encoding="utf-8")) if path.exists() else None
    if getattr(follow, "is_independent", False):
        _FOLLOWED[follow] = outcome, record
    return outcome, record


def _remaining(code: str, record: Mapping) -> str:
    """Return the sentences of a finding with their remedies, except notes on levels that are excluded."""
    excluded = {level["level"] for level in record["levels"] if level["excluded"]}
    return " ".join(
        f"{one['sentence']} {one['remedy']}"
        for one in every_finding(record)
        if one["code"] == code and (one["severity"] != "note" or one["level"] not in excluded)
    )


def problems_of(remedy: Remedy, bench: Bench) -> tuple[str, list[str]]:
    """Provoke a sentence and follow its remedy; return the sentence, and what is not as it should be."""
    audit = bench.folder / "first" / "audit"
    problems = []
    outcome = run(remedy.fault(bench), audit)
    if remedy.code:
        sentence = findings_of(audit).get(remedy.code, "") if outcome.exit_code == 0 else ""
        if not sentence:
            problems.append(f"no finding {remedy.code}: {outcome}")
    else:
        sentence = outcome.err.strip()
        if outcome.exit_code != 2 or not re.fullmatch(r"lumbarhu: [^\n]+[.]", sentence):
            problems.append(f"not refused in one sentence: {outcome}")
        if audit.exists():
            problems.append("a refusal left a folder")
    if not re.search(remedy.says, sentence):
        problems.append(f"the sentence is not /{remedy.says}/: {sentence}")
    outcome, record = _followed(remedy.follow, bench)
    if outcome.exit_code != 0 or outcome.err:
        problems.append(f"the remedy does not work: {outcome}")
    elif remedy.code:
        remains = _remaining(remedy.code, record) if record else "no record"
        if remedy.becomes and not re.search(remedy.becomes, remains):
            problems.append(f"the finding has not become /{remedy.becomes}/: {remains}")
        if not remedy.becomes and remains:
            problems.append(f"the finding remains: {remains}")
    return sentence, problems
