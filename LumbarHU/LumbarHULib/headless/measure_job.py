"""One CT from its files to its audit folder: what the command line runs once and a batch runs often."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from importlib.util import find_spec
from itertools import product
from pathlib import Path
from typing import Any

from LumbarHULib.api.cts import Ct
from LumbarHULib.api.measurement import Measurement, measure_midlines
from LumbarHULib.api.midlines import (
    GivenMarkups,
    GivenSeeds,
    GivenSegments,
    given_markups,
    given_seeds,
    given_segments,
)
from LumbarHULib.audit.audit import UNNAMED, Audit
from LumbarHULib.audit.folder import OWN_AUDIT_FOLDER, write_audit_folder
from LumbarHULib.audit.signature import sign_folder
from LumbarHULib.core.axial_stack import axial_stack
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.results import ReadingResult
from LumbarHULib.files.atomic_folder import check_destination
from LumbarHULib.files.cutoffs_file import load_cutoffs
from LumbarHULib.files.protocol_file import ProtocolDocument, load_protocol
from LumbarHULib.files.seeds_file import read_seeds
from LumbarHULib.images.ct_file import read_ct
from LumbarHULib.images.label_maps_in import RegionMasks, check_places, read_label_maps, without_unchanged
from LumbarHULib.images.segmentation_file import read_segmentation


@dataclass(frozen=True)
class MeasureJob:
    """What to measure, how, and where to put it.

    Parameters
    ----------
    ct : Path
        CT file, or folder with a DICOM series.
    markups : sequence of Path
        Markup files, or folders of them; none where `segmentation` or `seeds` is given.
    destination : Path
        The audit folder to be.
    segmentation : Path or None
        A segmentation of the vertebrae, from which the midlines are proposed and accepted unseen.
    segments : mapping of str to str
        Which segment is which level, where its name does not tell: level to a segment's name or label value.
    seeds : Path or None
        A point list with a point in each body, from which the midlines are proposed and accepted unseen.
    fill_levels : bool
        Propose midlines for the levels between the seeds as well.
    levels : sequence of str or None
        Levels to measure; None for all that have a midline or a seed or, with a segmentation, those
        of the protocol's mean.
    exclusions : mapping of str to str
        Levels that do not enter the means, with the reason.
    protocol, cutoffs : Path or None
        Files of one's own; None for the study's.
    case, reader : str
        As they shall stand in the files.
    reading : int
        Which reading of this reader it is, from 1.
    accept_off_protocol, scene, overwrite : bool
        Classify all the same; leave a scene as well; replace the folder.
    label_maps : Path or None
        Label maps to measure in place of those that the markups give: see `read_label_maps`.
    sign : Path or None
        A private key of OpenSSH to sign the folder with.
    extra : mapping
        Further plain JSON values for the record, such as what a batch made the folder from.
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

    def __post_init__(self) -> None:
        if self.scene and self.label_maps is not None:
            raise InputError("A scene shows no label maps that were given: leave --scene or --label-maps away.")


def can_make_scene() -> bool:
    """Return whether the package that makes a Slicer scene is installed."""
    return find_spec("slicer") is not None


def run(job: MeasureJob, progress: Callable[..., None]) -> Audit:
    """Measure what `job` says, write its audit folder, whole or not at all, and return what it holds.

    Raises
    ------
    InputError
        With the sentence for the user; nothing is written then.
    """
    if job.scene and not can_make_scene():
        raise InputError(
            "A scene needs the package slicer-core, which is not installed: install lumbarhu[scene], or omit --scene."
        )
    if job.overwrite:
        _check_inputs_stay(job)
    check_destination(job.destination, job.overwrite, OWN_AUDIT_FOLDER)
    protocol = load_protocol(job.protocol)
    cutoffs = load_cutoffs(job.cutoffs)
    given = _given(job, protocol)
    ct = read_ct(job.ct, progress, given.points_ras_mm)
    midlines = given.place(ct.ct, protocol.protocol, progress)
    progress(0.0, "Measuring")
    seal = None if job.sign is None else partial(sign_folder, key=job.sign)
    if not job.scene:
        edit = None if job.label_maps is None else partial(_edited_masks, job.label_maps, ct, protocol)
        measurement = measure_midlines(
            ct, midlines, protocol, cutoffs, job.exclusions, job.accept_off_protocol, edit=edit
        )
        audit = _audit_of(job, measurement)
        write_audit_folder(job.destination, audit, job.overwrite, progress=progress, seal=seal)
        return audit
    # A scene takes most of a second to import: those who want none do not wait for it.
    from LumbarHULib.headless.scene_job import measured_scene

    with measured_scene(
        ct,
        midlines.landmarks,
        protocol,
        cutoffs,
        case=job.case,
        reader=job.reader,
        reading=job.reading,
        exclusions=job.exclusions,
        accepted_off_protocol=job.accept_off_protocol,
        scan_findings=(*ct.findings, *midlines.findings),
        level_findings=midlines.level_findings,
        unplaced=midlines.unplaced,
    ) as (measured_result, save):
        result = measured_result.with_level_findings(midlines.findings_beside(measured_result))
        audit = _audit_of(job, Measurement(ct, result, protocol, cutoffs, job.accept_off_protocol))
        write_audit_folder(job.destination, audit, job.overwrite, save, progress, seal)
    return audit


def _audit_of(job: MeasureJob, measurement: Measurement) -> Audit:
    return measurement.audit(job.case, job.reader, job.reading, extra=job.extra)


def _edited_masks(path: Path, ct: Ct, protocol: ProtocolDocument, result: ReadingResult) -> RegionMasks:
    """Return the regions in the label maps at `path` that are not as they were measured from the markups.

    Raises
    ------
    InputError
        When they cannot be read, hold a level that was not measured, or lack one that was.
    """
    masks = read_label_maps(path, ct.ct, axial_stack(ct.ct, protocol.protocol))
    measured = {level.level: {roi: of_roi.mask for roi, of_roi in level.rois.items()} for level in result.levels}
    refused = {refusal.level for refusal in result.refused}
    masks = {level: of_level for level, of_level in masks.items() if level not in refused}
    for level in masks:
        if level not in measured:
            raise InputError(f"“{path.name}” holds {level}, which was not measured: give its midline as well.", level)
    for level, roi in product(measured, {roi for of_level in masks.values() for roi in of_level}):
        if roi not in masks.get(level, {}):
            raise InputError(
                f"“{path.name}” has no voxels of the {roi} ROI of {level}: draw them, or leave "
                f"{level} out of the levels.",
                level,
            )
    check_places(path.name, masks, measured)
    return without_unchanged(masks, measured)


def _given(job: MeasureJob, protocol: ProtocolDocument) -> GivenMarkups | GivenSegments | GivenSeeds:
    if job.segmentation is not None:
        return given_segments(
            read_segmentation(job.segmentation), job.segments, job.levels, job.exclusions, protocol.protocol
        )
    if job.seeds is not None:
        return given_seeds(read_seeds(job.seeds), job.fill_levels, job.levels, job.exclusions)
    return given_markups(job.markups, job.levels, job.exclusions)


def _check_inputs_stay(job: MeasureJob) -> None:
    """Raise InputError when replacing the destination would remove what is measured."""
    # Unlike Path.resolve, realpath does not fail where links lead in a circle.
    destination = os.path.realpath(job.destination)
    for path in (job.ct, *job.markups, job.segmentation, job.seeds, job.protocol, job.cutoffs, job.label_maps):
        if path is not None and Path(os.path.realpath(path)).is_relative_to(destination) and job.destination.exists():
            raise InputError(
                f"“{job.destination}” holds “{path.name}”, which is to be measured, so it is not overwritten: choose "
                "another folder."
            )
