"""Measure in a MRML scene that can be opened in Slicer afterwards."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType

from LumbarHULib.core.errors import InputError
from LumbarHULib.core.findings import Finding
from LumbarHULib.core.landmarks import Landmarks
from LumbarHULib.core.results import ReadingResult
from LumbarHULib.files.cutoffs_file import CutoffsDocument
from LumbarHULib.files.protocol_file import ProtocolDocument
from LumbarHULib.headless.scene import headless_scene
from LumbarHULib.images.ct_file import CtFile
from LumbarHULib.mrml.ct_node import set_bone_window, volume_node_from_ct
from LumbarHULib.mrml.measure_reading import ReadingMeasurer
from LumbarHULib.mrml.reading import accept_off_protocol, create_reading, exclude_level
from LumbarHULib.mrml.reading_markups import set_landmarks
from LumbarHULib.mrml.scene_file import save_scene

SCENE = "scene.mrb"


@contextmanager
def measured_scene(
    ct_file: CtFile,
    landmarks: Sequence[Landmarks],
    protocol: ProtocolDocument,
    cutoffs: CutoffsDocument,
    *,
    case: str,
    reader: str,
    reading: int,
    exclusions: Mapping[str, str],
    accepted_off_protocol: bool,
    scan_findings: Sequence[Finding],
    level_findings: Sequence[Finding] = (),
    unplaced: Mapping[str, InputError] = MappingProxyType({}),
) -> Iterator[tuple[ReadingResult, Callable[[Path], None]]]:
    """Measure in a scene; yield the result, and a function that saves the scene to a folder.

    Parameters
    ----------
    ct_file, landmarks, protocol, cutoffs, exclusions, scan_findings
        As for `measure_ct`.
    case, reader, reading
        Names of case and reader, and number of the reading.
    accepted_off_protocol : bool
        Give classes although the acquisition differs from that of the cutoffs.
    level_findings : sequence of Finding
        Findings on the proposals of single levels, which are stored with their midlines.
    unplaced : mapping of str to InputError
        By level, the reason why it has no landmarks.
    """
    with headless_scene() as scene:
        ct_node = volume_node_from_ct(scene, ct_file.ct, case)
        set_bone_window(ct_node)
        kept = create_reading(
            ct_node,
            reader,
            protocol.document,
            cutoffs.document,
            number=reading,
            case=case,
            scan_facts=ct_file.scan_facts,
            scan_findings=tuple(scan_findings),
        )
        for level_landmarks in landmarks:
            findings = [finding for finding in level_findings if finding.level == level_landmarks.level]
            set_landmarks(kept, level_landmarks, findings)
        for level, reason in exclusions.items():
            exclude_level(kept, level, reason)
        accept_off_protocol(kept, accepted_off_protocol)
        yield ReadingMeasurer(kept).measure(unplaced), lambda folder: save_scene(scene, folder / SCENE)
