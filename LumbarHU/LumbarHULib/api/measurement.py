"""A measured CT: levels, means, classes and findings; label maps, tables and audit folder on request."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np

from LumbarHULib.api.cts import Ct
from LumbarHULib.audit.audit import UNNAMED, Audit, require_measured_levels
from LumbarHULib.audit.ct_date import CT_DATE, parse_date
from LumbarHULib.audit.folder import write_audit_folder
from LumbarHULib.audit.signature import sign_folder
from LumbarHULib.audit.tables import results_columns, results_rows, summary_columns_of, summary_rows
from LumbarHULib.core.axial_stack import AxialStack, axial_stack
from LumbarHULib.core.checks.calibration import is_in_time
from LumbarHULib.core.densities import with_densities
from LumbarHULib.core.errors import InputError
from LumbarHULib.core.findings import Finding
from LumbarHULib.core.label_maps import stored_labels
from LumbarHULib.core.levels import LABEL_VALUES, parse_level
from LumbarHULib.core.results import LevelResult, ReadingResult, RoiSummary
from LumbarHULib.files.calibration_file import CalibrationDocument
from LumbarHULib.files.cutoffs_file import CutoffsDocument
from LumbarHULib.files.protocol_file import ProtocolDocument
from LumbarHULib.images.ct_identity import voxels_sha256


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

    def calibrated(self, calibration: CalibrationDocument, ct_date: str | None = None) -> "Measurement":
        """Return the measurement with densities in mg/cm³ and the findings on them.

        Parameters
        ----------
        calibration : Calibration
        ct_date : str, optional
            Date of the CT as YYYY-MM-DD, if its headers do not state it.

        Raises
        ------
        InputError
            When the CT's tube voltage is known to differ from that of the calibration.
        """
        scan = calibration.calibration.scan
        in_time = is_in_time(calibration.calibration, self.ct.scan_facts, ct_date)
        is_same_scan = bool(scan.voxels_sha256) and scan.voxels_sha256 == voxels_sha256(self.ct.voxels_hu)
        result = with_densities(self.result, calibration.calibration, in_time, is_same_scan)
        return replace(self, result=result, calibration=calibration.applied(in_time))

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
        measured = self if self.calibration is None else self.calibrated(self.calibration, extra.get(CT_DATE))
        seal: Callable[[Path], None] | None = None if sign is None else partial(sign_folder, key=Path(sign))
        write_audit_folder(Path(folder), measured.audit(case, reader, reading, extra=extra), overwrite, seal=seal)
        return Path(folder)
