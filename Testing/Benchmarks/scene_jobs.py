"""The handler of a moved point, including everything that it writes into the scene."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from workload import DRAGGED_LEVEL, Workload, dragged

from LumbarHULib.core.results import LevelResult
from LumbarHULib.files.cutoffs_file import load_cutoffs
from LumbarHULib.files.protocol_file import load_protocol
from LumbarHULib.headless.scene import headless_scene
from LumbarHULib.mrml.ct_node import volume_node_from_ct
from LumbarHULib.mrml.measure_reading import ReadingMeasurer
from LumbarHULib.mrml.reading import create_reading
from LumbarHULib.mrml.reading_markups import markup_node, set_landmarks

# In this order, because a boundary that a reader has moved no longer follows the midline.
DRAGGED_ROLES = ("midline", "boundary")


@contextmanager
def measured_reading(workload: Workload) -> Iterator[ReadingMeasurer]:
    """Yield the measurer of a reading with all four levels, measured once, in its own scene."""
    with headless_scene() as scene:
        ct_node = volume_node_from_ct(scene, workload.ct, "CT")
        reading = create_reading(ct_node, "Benchmark", load_protocol().document, load_cutoffs().document)
        for landmarks in workload.landmarks.values():
            set_landmarks(reading, landmarks)
        measurer = ReadingMeasurer(reading)
        measurer.measure()
        yield measurer


def drag(measurer: ReadingMeasurer, role: str) -> Callable[[int], LevelResult]:
    """Return a job that moves one end of a markup, and measures and writes its level again."""
    node = markup_node(measurer.reading, DRAGGED_LEVEL, role)
    points_ras_mm = [node.GetNthControlPointPositionWorld(index) for index in range(2)]

    def move(index: int) -> LevelResult:
        node.SetNthControlPointPositionWorld(0, *dragged(points_ras_mm, index)[0])
        result = measurer.update_level(DRAGGED_LEVEL)
        if not isinstance(result, LevelResult):
            raise SystemExit(f"The dragged level was refused: {result.sentence}")
        return result

    return move
