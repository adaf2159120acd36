"""A measured CT: levels, means, classes and findings; label maps, tables and audit folder on request."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from LumbarHULib.api.calibrations import calibrated, read_calibration
from LumbarHULib.api.cts import Ct
from LumbarHULib.api.midlines import Midlines
from LumbarHULib.audit.audit import UNNAMED, Audit, require_measured_levels
from LumbarHULib.audit.ct_date import CT_DATE, parse_date
from LumbarHULib.audit.folder import write_audit_folder
from LumbarHULib.audit.signature import sign_folder
from LumbarHULib.audit.tables import results_columns, results_rows, summary_columns_of, summary_rows
from LumbarHULib.core.axial_stack import AxialStack, axial_stack
from LumbarHULib.core.checks.calibration import require_same_voltage
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.findings import Finding
from LumbarHULib.core.label_maps import stored_labels
from LumbarHULib.core.landmarks import Landmarks
from LumbarHULib.core.levels import LABEL_VALUES, parse_level, sorted_levels
from LumbarHULib.core.pipeline import measure_ct
from LumbarHULib.core.regions.given_mask import needs_vertebrae
from LumbarHULib.core.results import LevelResult, ReadingResult, RoiMask, RoiSummary
from LumbarHULib.files.calibration_file import CalibrationDocument
from LumbarHULib.files.cutoffs_file import CutoffsDocument, cutoffs_for
from LumbarHULib.files.protocol_file import ProtocolDocument, load_protocol, shipped_paths

# By level and region, label maps that a person edited by hand.
EditedMasks = Mapping[str, Mapping[str, RoiMask]]


@dataclass(frozen=True, eq=False)
class Measurement:
    """What one CT measures.

    Parameters
    ----------
    ct : Ct
        The CT that was measured.
    result : ReadingResult
        All of it, as the audit folder and the report are made from.
    protocol : ProtocolDocument
    cutoffs : CutoffsDocument
    accept_off_protocol : bool
        Whether classes were asked for although the acquisition is off protocol.
    calibration : CalibrationDocument or None
        The calibration by which the result has densities.
    """

    ct: Ct
    result: ReadingResult
    protocol: ProtocolDocument
    cutoffs: CutoffsDocument
    accept_off_protocol: bool = False
    calibration: CalibrationDocument | None = None

    @cached_property
    def levels(self) -> dict[str, LevelResult]:
        """Each measured level by name, from cranial to caudal; its regions are in ``rois``."""
        return {level.level: level for level in self.result.levels}

    @cached_property
    def means(self) -> dict[str, RoiSummary]:
        """Each region's mean over the levels by the region's name, with ``class_name`` and what it is compared with."""
        return {summary.roi: summary for summary in self.result.summaries}

    @cached_property
    def refusals(self) -> dict[str, str]:
        """Why levels give no number, by level, in one sentence each."""
        return {refusal.level: refusal.sentence for refusal in self.result.refusals}

    @cached_property
    def findings(self) -> tuple[Finding, ...]:
        """What is doubtful, each finding once: of the reading, then level by level, then of the means."""
        return self.result.all_findings

    @cached_property
    def _stack(self) -> AxialStack:
        return axial_stack(self.ct.ct, self.protocol.protocol.frame)

    def label_map(self, roi: str) -> np.ndarray:
        """Return a region's label map, shape (K, J, I), uint8, on the CT's own grid.

        Parameters
        ----------
        roi : str
            ``round``, ``oval``, ``right``, ``front`` or ``left``; by another protocol, one of its regions.

        Returns
        -------
        numpy.ndarray
            20 for L1, 21 for L2 and so on (T12 is 19), 0 elsewhere.

        Raises
        ------
        InputError
            When there is no such region.
        """
        self._require_roi(roi)
        return stored_labels(self._stack, self.result.levels, roi)

    def _require_roi(self, roi: str) -> None:
        if roi not in self.means:
            raise InputError(f"Unknown ROI “{roi}”: use one of {', '.join(self.means)}.")

    def mask(self, level: str, roi: str) -> np.ndarray:
        """Return the voxels of one region at one level, shape (K, J, I), bool, on the CT's own grid.

        Raises
        ------
        InputError
            When there is no such region, or the level was not measured.
        """
        level = parse_level(level)
        if level not in self.levels:
            reason = self.refusals.get(level, f"{level} has no midline.")
            raise InputError(f"{level} was not measured. {reason}", level)
        return self.label_map(roi) == LABEL_VALUES[level]

    def label_map_node(self, roi: str, volume_node: Any) -> Any:
        """Add a region's label map to the scene of the volume node that was measured, and return its node.

        Parameters
        ----------
        roi : str
            ``round``, ``oval``, ``right``, ``front`` or ``left``; by another protocol, one of its regions.
        volume_node : vtkMRMLScalarVolumeNode

        Returns
        -------
        vtkMRMLLabelMapVolumeNode

        Raises
        ------
        InputError
            When there is no such region, or the node is not the volume that was measured.
        """
        from LumbarHULib.mrml.roi_label_maps import label_map_node_of

        labels = self.label_map(roi)
        image = volume_node.GetImageData()
        shape = None if image is None else tuple(image.GetDimensions()[::-1])
        if shape != labels.shape:
            raise InputError(f"“{volume_node.GetName()}” is not the CT that was measured: give that volume node.")
        return label_map_node_of(volume_node, labels, f"{roi} ROI")

    def rows(self) -> list[dict[str, Any]]:
        """Return one row for each level and region with the columns of results.csv; a missing number is None."""
        columns = results_columns(self.calibration is not None)
        return [dict(zip(columns, row, strict=True)) for row in results_rows(self._audit())]

    def mean_rows(self) -> list[dict[str, Any]]:
        """Return one row for each region's mean with the columns of summary.csv; a missing number is None."""
        columns = summary_columns_of(self.calibration is not None)
        return [dict(zip(columns, row, strict=True)) for row in summary_rows(self._audit())]

    def to_dataframe(self) -> Any:
        """Return `rows` as a data frame of pandas.

        Raises
        ------
        InputError
            When pandas is not installed.
        """
        from LumbarHULib.cohort.tables import data_frame

        return data_frame(results_columns(self.calibration is not None), results_rows(self._audit()))

    def audit(self, case: str = UNNAMED, reader: str = UNNAMED, reading: int = 1, **more: Any) -> Audit:
        """Return what an audit folder holds; `more` are further fields of `Audit`.

        Raises
        ------
        InputError
            When no level was measured, with the sentence of each, or a name cannot be printed.
        """
        require_measured_levels(self.result)
        return self._audit(case, reader, reading, **more)

    def _audit(self, case: str = UNNAMED, reader: str = UNNAMED, reading: int = 1, **more: Any) -> Audit:
        return Audit(
            case=case,
            reader=reader,
            reading=reading,
            result=self.result,
            ct=self.ct.ct,
            scan_facts=self.ct.scan_facts,
            protocol=self.protocol,
            cutoffs=self.cutoffs,
            accept_off_protocol=self.accept_off_protocol,
            calibration=self.calibration,
            **more,
        )

    def write_audit(
        self,
        folder: str | Path,
        case: str = UNNAMED,
        reader: str = UNNAMED,
        reading: int = 1,
        overwrite: bool = False,
        sign: str | Path | None = None,
        ct_date: str | date | None = None,
    ) -> Path:
        """Write the audit folder, whole or not at all, and return its path.

        Parameters
        ----------
        folder : str or pathlib.Path
            Output folder (created).
        case, reader : str
            Names as the files state them; never the patient's.
        reading : int
            Which reading of this reader it is, from 1.
        overwrite : bool
            Replace an audit folder that is there.
        sign : str or pathlib.Path, optional
            A private key of OpenSSH to sign the folder with.
        ct_date : str or datetime.date, optional
            Date of the CT, such as ``"2024-03-15"``, for `lumbarhu.follow_up`; the folder contains no date without it.

        Raises
        ------
        InputError
            When no level was measured, the date is not one, or the folder exists or cannot be written.
        """
        extra = {} if ct_date is None else {CT_DATE: str(parse_date(str(ct_date), "the CT"))}
        measured = self if self.calibration is None else calibrated(self, self.calibration, extra.get(CT_DATE))
        seal: Callable[[Path], None] | None = None if sign is None else partial(sign_folder, key=Path(sign))
        write_audit_folder(Path(folder), measured.audit(case, reader, reading, extra=extra), overwrite, seal=seal)
        return Path(folder)


def measure(
    ct: Ct,
    midlines: Mapping[str, ArrayLike],
    *,
    boundaries: Mapping[str, ArrayLike] | None = None,
    outlines: Mapping[str, ArrayLike] | None = None,
    exclusions: Mapping[str, str] | None = None,
    protocol: str | Path | None = None,
    cutoffs: str | Path | None = None,
    accept_off_protocol: bool = False,
    calibration: str | Path | CalibrationDocument | None = None,
) -> Measurement:
    """Measure a CT.

    Parameters
    ----------
    ct : Ct
        From `read_ct`, `ct_from_array` or `ct_from_node`.
    midlines : mapping of str to array_like, shape (2, 3)
        By level (T12, L1–L5): the middle of the anterior edge and of the posterior edge of the vertebral body at
        mid-height, RAS mm. Or what `read_midlines`, `propose_from_segmentation` or `propose_from_points` returned.
    boundaries : mapping of str to array_like, shape (2, 3), optional
        By level, the boundary as a reader moved it; the protocol draws the others.
    outlines : mapping of str to array_like, shape (n, 3), optional
        By level, control points of the outline as a reader drew it; LumbarHU finds the others in the CT.
    exclusions : mapping of str to str, optional
        By level, why it does not enter the means.
    protocol : str or pathlib.Path, optional
        Your own file, or the id of a protocol that LumbarHU comes with; by default, the study's.
    cutoffs : str or pathlib.Path, optional
        Your own file; by default, the study's for its protocol and none for any other.
    accept_off_protocol : bool
        Give classes although tube voltage or contrast medium are known to differ from the cutoffs'.
    calibration : str or pathlib.Path or Calibration, optional
        A calibration or its file, for densities in mg/cm³ in addition to HU.

    Returns
    -------
    Measurement
        A level that cannot be measured is among its ``refusals``, with the reason.

    Raises
    ------
    InputError
        When a midline is not two points, a level is unknown, an exclusion has no reason, or the calibration is from
        another tube voltage.
    """
    if isinstance(calibration, (str, Path)):
        calibration = read_calibration(calibration)
    if calibration is not None:
        require_same_voltage(calibration.calibration, ct.scan_facts)
    document = load_protocol(protocol)
    measured = measure_midlines(
        ct,
        midlines_of(midlines, boundaries or {}, outlines or {}),
        document,
        cutoffs_for(document, None if cutoffs is None else Path(cutoffs)),
        exclusions or {},
        accept_off_protocol,
    )
    return measured if calibration is None else calibrated(measured, calibration)


def protocol_ids() -> tuple[str, ...]:
    """Return the ids of the protocols that LumbarHU comes with, the study's first; `measure` takes each of them."""
    return tuple(shipped_paths())


def measure_midlines(
    ct: Ct,
    midlines: Midlines,
    protocol: ProtocolDocument,
    cutoffs: CutoffsDocument,
    exclusions: Mapping[str, str],
    accept_off_protocol: bool = False,
    edit: Callable[[ReadingResult], EditedMasks] | None = None,
) -> Measurement:
    """Measure a CT at midlines that were placed; the command line and batch do so as well.

    Parameters
    ----------
    edit : callable, optional
        From what the midlines give to the label maps that are measured in place of theirs.
    """
    measured = partial(
        measure_ct,
        ct.ct,
        midlines.landmarks,
        protocol.protocol,
        cutoffs.cutoffs,
        ct.scan_facts,
        exclusions,
        accept_off_protocol,
        (*ct.findings, *midlines.findings),
        unplaced=midlines.unplaced,
    )
    if needs_vertebrae(protocol.protocol) and midlines.segments:
        measured = partial(measured, vertebrae=midlines.vertebrae(axial_stack(ct.ct, protocol.protocol.frame)))
    result = measured()
    if edit is not None:
        result = measured(edited_masks=edit(result))
    result = result.with_level_findings(midlines.all_level_findings(result))
    return Measurement(ct, result, protocol, cutoffs, accept_off_protocol)


def midlines_of(
    midlines: Mapping[str, ArrayLike], boundaries: Mapping[str, ArrayLike], outlines: Mapping[str, ArrayLike]
) -> Midlines:
    """Return midlines as `measure_midlines` takes them.

    Raises
    ------
    InputError
        When there is none, a level is unknown or there twice, or points are missing or are no numbers.
    """
    if isinstance(midlines, Midlines):
        if boundaries or outlines:
            raise InputError(
                "Midlines that were read or proposed already have boundaries and outlines: omit boundaries and "
                "outlines."
            )
        return midlines
    if not isinstance(midlines, Mapping) or not midlines:
        raise InputError("No midline was given: give one for each level, such as {'L1': [anterior, posterior]}.")
    by_role = {
        role: {parse_level(str(level)): _numbers(role, str(level), points) for level, points in given.items()}
        for role, given in (("midline", midlines), ("boundary", boundaries), ("outline", outlines))
    }
    if len(by_role["midline"]) < len(midlines):
        raise InputError(f"A level is given twice among {', '.join(map(str, midlines))}: name each once.")
    for role in ("boundary", "outline"):
        for level in by_role[role]:
            if level not in by_role["midline"]:
                article = "an" if role == "outline" else "a"
                raise InputError(f"{level} has {article} {role} but no midline: give its midline as well.", level)
    return Midlines(
        tuple(
            Landmarks(level, by_role["midline"][level], by_role["boundary"].get(level), by_role["outline"].get(level))
            for level in sorted_levels(by_role["midline"])
        )
    )


def _numbers(role: str, level: str, points: ArrayLike) -> np.ndarray:
    try:
        return np.asarray(points, dtype=float)
    except (TypeError, ValueError) as problem:
        raise InputError(
            f"The {role} of {level} is not a list of points: give R, A and S in mm for each point.", level
        ) from problem
