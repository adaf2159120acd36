"""Measure one CT from its files, and write its audit folder: once for the command line, often for a batch."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from importlib.util import find_spec
from itertools import product
from pathlib import Path
from typing import Any

from LumbarHULib.api.cts import Ct
from LumbarHULib.api.measurement import Measurement
from LumbarHULib.api.measuring import measure_midlines
from LumbarHULib.api.midlines import (
    GivenMarkups,
    GivenSeeds,
    GivenSegments,
    Midlines,
    given_markups,
    given_seeds,
    given_segments,
)
from LumbarHULib.audit.audit import UNNAMED, Audit
from LumbarHULib.audit.ct_date import CT_DATE
from LumbarHULib.audit.folder import OWN_AUDIT_FOLDER, write_audit_folder
from LumbarHULib.audit.signature import sign_folder
from LumbarHULib.core.axial_stack import axial_stack
from LumbarHULib.core.checks.calibration import require_same_voltage
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.levels import sorted_levels
from LumbarHULib.core.results import ReadingResult
from LumbarHULib.files.atomic_folder import check_destination, check_inputs_stay
from LumbarHULib.files.calibration_file import CalibrationDocument, load_calibration
from LumbarHULib.files.protocol_file import ProtocolDocument
from LumbarHULib.files.seeds_file import read_seeds
from LumbarHULib.headless.protocol_choice import ChosenProtocol, chosen_protocols
from LumbarHULib.images.ct_file import read_ct
from LumbarHULib.images.label_maps_in import RegionMasks, check_places, read_label_maps, without_unchanged
from LumbarHULib.images.segmentation_file import read_segmentation


@dataclass(frozen=True)
class MeasureJob:
    """The inputs, options and destination of one measurement.

    Parameters
    ----------
    ct : Path
        CT file, or folder with a DICOM series.
    markups : sequence of Path
        Markup files, or folders of them; empty where `segmentation` or `seeds` is given.
    destination : Path
        The audit folder to write.
    segmentation : Path or None
        A segmentation of the vertebrae, from which midlines are proposed and accepted without review.
    segments : mapping of str to str
        The segment's name or label value by level, for segments whose name does not state the level.
    seeds : Path or None
        A point list with a point in each body, from which midlines are proposed and accepted without review.
    fill_levels : bool
        Also propose midlines for the levels between the seeds.
    levels : sequence of str or None
        Levels to measure; None for all with a midline or a seed or, with a segmentation, those of the protocol's mean.
    exclusions : mapping of str to str
        Levels that do not enter the means, with the reason.
    protocol, cutoffs : Path or None
        The user's own files; None for the study's.
    case, reader : str
        Names as written to the files.
    reading : int
        Number of this reader's reading, from 1.
    accept_off_protocol, scene, overwrite : bool
        Classify anyway; also write a scene; replace the folder.
    label_maps : Path or None
        Label maps to measure instead of those from the markups: see `read_label_maps`.
    sign : Path or None
        An OpenSSH private key to sign the folder with.
    calibration : Path or None
        A calibration file, for densities in mg/cm³.
    ct_date : str
        Date of the CT as year-month-day, written to the record; empty for none.
    extra : mapping
        Further plain JSON values for the record, such as a batch's description of the inputs.
    """

    ct: Path
    markups: Sequence[Path]
    destination: Path
    segmentation: Path | None = None
    segments: Mapping[str, str] = field(default_factory=dict)
    seeds: Path | None = None
    fill_levels: bool = False
    levels: Sequence[str] | None = None
    exclusions: Mapping[str, str] = field(default_factory=dict)
    protocol: Path | None = None
    cutoffs: Path | None = None
    case: str = UNNAMED
    reader: str = UNNAMED
    reading: int = 1
    accept_off_protocol: bool = False
    scene: bool = False
    overwrite: bool = False
    extra: Mapping[str, Any] = field(default_factory=dict)
    label_maps: Path | None = None
    sign: Path | None = None
    calibration: Path | None = None
    ct_date: str = ""

    def __post_init__(self) -> None:
        if self.scene and self.label_maps is not None:
            raise InputError("A scene cannot show given label maps: omit --scene or --label-maps.")


def can_make_scene() -> bool:
    """Return whether the package for Slicer scenes is installed."""
    return find_spec("slicer") is not None


def run(job: MeasureJob, progress: Callable[..., None]) -> Audit:
    """Run `job`, write its audit folder completely or not at all, and return its content.

    Raises
    ------
    InputError
        With the sentence for the user; nothing is written then.
    """
    protocols = chosen_protocols([] if job.protocol is None else [job.protocol], job.cutoffs, job.destination)
    (audit,) = run_by_protocols(job, protocols, progress).audits.values()
    return audit


@dataclass(frozen=True, eq=False)
class ProtocolsOutcome:
    """What several protocols measured.

    Parameters
    ----------
    audits : mapping of Path to Audit
        Each folder that was written, with its content.
    refused : tuple of str
        The protocols that gave no number and have no folder, one sentence each.
    """

    audits: Mapping[Path, Audit]
    refused: tuple[str, ...] = ()


def run_by_protocols(
    job: MeasureJob, protocols: Sequence[ChosenProtocol], progress: Callable[..., None]
) -> ProtocolsOutcome:
    """Run `job` by each of `protocols`, with the midlines placed once; one that gives no number stops no other.

    Parameters
    ----------
    job : MeasureJob
        Its own protocol, cutoffs and destination are not used.
    protocols : sequence of ChosenProtocol
        The first one places midlines that are proposed.
    progress : callable
        Called with the fraction done, from 0 to 1, and the current step.

    Raises
    ------
    InputError
        With the sentence for the user, also if no protocol gives a number; nothing is written then.
    """
    if job.scene and not can_make_scene():
        raise InputError(
            "A scene needs the package slicer-core, which is not installed: install lumbarhu[scene], or omit --scene."
        )
    _check_scope(job, protocols)
    for chosen in protocols:
        if job.overwrite:
            check_inputs_stay(chosen.folder, _inputs(job, protocols))
        check_destination(chosen.folder, job.overwrite, OWN_AUDIT_FOLDER)
    calibration = None if job.calibration is None else load_calibration(job.calibration)
    given = _given(job, protocols)
    ct = read_ct(job.ct, progress, given.points_ras_mm)
    if calibration is not None:
        require_same_voltage(calibration.calibration, ct.scan_facts)
    midlines = given.place(ct.ct, protocols[0].document.protocol, progress)
    progress(0.0, "Measuring")
    seal = None if job.sign is None else partial(sign_folder, key=job.sign)
    if job.scene:
        audit = _run_with_scene(job, ct, midlines, protocols[0], progress, seal, calibration)
        return ProtocolsOutcome({protocols[0].folder: audit})
    audits: dict[Path, Audit] = {}
    problems: dict[ChosenProtocol, InputError] = {}
    for chosen in protocols:
        edit = None if job.label_maps is None else partial(_edited_masks, job.label_maps, ct, chosen.document)
        # The first protocol placed the midlines; each checks the choice of the mid-slice with its own regions.
        placed = midlines if chosen is protocols[0] else midlines.judged_by(chosen.document.protocol)
        try:
            measurement = measure_midlines(
                ct, placed, chosen.document, chosen.cutoffs, job.exclusions, job.accept_off_protocol, edit=edit
            )
            audits[chosen.folder] = _audit_of(job, measurement, calibration)
        except InputError as problem:
            problems[chosen] = problem
    if not audits:
        raise _no_number(problems)
    for folder, audit in audits.items():
        write_audit_folder(folder, audit, job.overwrite, progress=progress, seal=seal)
    return ProtocolsOutcome(audits, tuple(_refusal(chosen, problem) for chosen, problem in problems.items()))


def _no_number(problems: Mapping[ChosenProtocol, InputError]) -> InputError:
    """Return the error that no protocol gives a number."""
    sentences = {str(problem): problem for problem in problems.values()}
    if len(sentences) == 1:
        return next(iter(sentences.values()))
    reasons = " ".join(f"{chosen.document.id}: {problem}" for chosen, problem in problems.items())
    return InputError(f"Nothing is written, because none of the {len(problems)} protocols gives a number. {reasons}")


def _refusal(chosen: ChosenProtocol, problem: InputError) -> str:
    """Return why a protocol has no folder, although others have one."""
    earlier = f" “{chosen.folder}” is from an earlier run." if chosen.folder.exists() else ""
    return f"The protocol {chosen.document.id} gives no number and is not written: {problem}{earlier}"


def _run_with_scene(
    job: MeasureJob,
    ct: Ct,
    midlines: Midlines,
    chosen: ChosenProtocol,
    progress: Callable[..., None],
    seal: Callable[[Path], None] | None,
    calibration: CalibrationDocument | None,
) -> Audit:
    # Importing the scene takes most of a second, so it is imported only when needed.
    from LumbarHULib.headless.scene_job import measured_scene

    with measured_scene(
        ct,
        midlines.landmarks,
        chosen.document,
        chosen.cutoffs,
        case=job.case,
        reader=job.reader,
        reading=job.reading,
        exclusions=job.exclusions,
        accepted_off_protocol=job.accept_off_protocol,
        scan_findings=(*ct.findings, *midlines.findings),
        level_findings=midlines.level_findings,
        unplaced=midlines.unplaced,
    ) as (measured_result, save):
        result = measured_result.with_level_findings(midlines.all_level_findings(measured_result))
        measurement = Measurement(ct, result, chosen.document, chosen.cutoffs, job.accept_off_protocol)
        audit = _audit_of(job, measurement, calibration)
        write_audit_folder(chosen.folder, audit, job.overwrite, save, progress, seal)
    return audit


def _check_scope(job: MeasureJob, protocols: Sequence[ChosenProtocol]) -> None:
    """Raise InputError where an option is for the study's regions only and another protocol is given."""
    for option, is_given in (("--scene", job.scene), ("--label-maps", job.label_maps is not None)):
        if is_given and (len(protocols) > 1 or not protocols[0].document.protocol.is_of_study_regions):
            raise InputError(
                f"{option} needs the study's five regions, but the protocol is {protocols[-1].document.id}: omit "
                f"{option}, or give only a protocol with the study's regions."
            )


def _audit_of(job: MeasureJob, measurement: Measurement, calibration: CalibrationDocument | None) -> Audit:
    if calibration is not None:
        measurement = measurement.calibrated(calibration, job.ct_date or None)
    dated = {CT_DATE: job.ct_date} if job.ct_date else {}
    return measurement.audit(job.case, job.reader, job.reading, extra={**job.extra, **dated})


def _edited_masks(path: Path, ct: Ct, protocol: ProtocolDocument, result: ReadingResult) -> RegionMasks:
    """Return the regions in the label maps at `path` that differ from those measured from the markups.

    Raises
    ------
    InputError
        When they cannot be read, contain a level that was not measured, or lack a measured level.
    """
    masks = read_label_maps(path, ct.ct, axial_stack(ct.ct, protocol.protocol.frame))
    measured = {
        level.level: {roi: roi_result.mask for roi, roi_result in level.rois.items()} for level in result.levels
    }
    refused = {refusal.level for refusal in result.refused}
    masks = {level: level_masks for level, level_masks in masks.items() if level not in refused}
    for level in masks:
        if level not in measured:
            raise InputError(
                f"“{path.name}” contains {level}, which was not measured: give its midline as well.", level
            )
    for level, roi in product(measured, {roi for level_masks in masks.values() for roi in level_masks}):
        if roi not in masks.get(level, {}):
            raise InputError(
                f"“{path.name}” has no voxels of the {roi} ROI of {level}: draw the region, or omit {level} from the "
                "levels.",
                level,
            )
    check_places(path.name, masks, measured)
    return without_unchanged(masks, measured)


def _given(job: MeasureJob, protocols: Sequence[ChosenProtocol]) -> GivenMarkups | GivenSegments | GivenSeeds:
    if job.segmentation is not None:
        named = {level for chosen in protocols for level in chosen.document.protocol.patient.mean_levels}
        return given_segments(
            read_segmentation(job.segmentation), job.segments, job.levels, job.exclusions, sorted_levels(named)
        )
    if job.seeds is not None:
        return given_seeds(read_seeds(job.seeds), job.fill_levels, job.levels, job.exclusions)
    return given_markups(job.markups, job.levels, job.exclusions)


def _inputs(job: MeasureJob, protocols: Sequence[ChosenProtocol]) -> list[Path]:
    own = (*(chosen.path for chosen in protocols), job.cutoffs, job.calibration)
    paths = (job.ct, *job.markups, job.segmentation, job.seeds, *own, job.label_maps)
    return [path for path in paths if path is not None]
