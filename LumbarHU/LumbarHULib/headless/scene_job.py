"""A measurement in a MRML scene of its own, for those who want to open it in Slicer afterwards."""

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
    """Measure in a scene: give the result, and the function that saves the scene into a folder.

    Parameters
    ----------
    ct_file, landmarks, protocol, cutoffs, exclusions, scan_findings
        As for `measure_ct`.
    case, reader, reading
        What the reading is called.
    accepted_off_protocol : bool
        Give classes although the acquisition is known to be off the cutoffs' own.
    level_findings : sequence of Finding
        What made the proposals of single levels doubtful: kept with their midlines.
    unplaced : mapping of str to InputError
        By level, why it has no landmarks.
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
        for of_level in landmarks:
            set_landmarks(kept, of_level, [one for one in level_findings if one.level == of_level.level])
        for level, reason in exclusions.items():
            exclude_level(kept, level, reason)
        accept_off_protocol(kept, accepted_off_protocol)
        yield ReadingMeasurer(kept).measure(unplaced), lambda folder: save_scene(scene, folder / SCENE)
