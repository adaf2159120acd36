"""What the panel's sections need: a bundle of services that all get, and what some of them ask of each other."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from LumbarHULib.files.calibration_file import CalibrationDocument
from LumbarHULib.mrml.node_types import MaybeNone, ScriptedModuleNode, VolumeNode
from LumbarHULib.mrml.reading import Reading
from LumbarHULib.panel.session import Session


class Parameters(Protocol):
    """The panel's choices, as the scene keeps them: see `LumbarHUParameterNode`."""

    ctVolume: VolumeNode | MaybeNone  # noqa: N815 - a parameter has the name that Slicer's form connects
    caseName: str  # noqa: N815
    readerName: str  # noqa: N815
    reading: ScriptedModuleNode | None
    quantity: str
    outerLevels: bool  # noqa: N815
    osteoporosisPercent: float  # noqa: N815
    lowBmdPercent: float  # noqa: N815


class Choices:
    """Holds the parameters of the scene that is open; `parameters` is None while a scene is being closed."""

    def __init__(self) -> None:
        self.parameters: Parameters | MaybeNone = None

    @property
    def ct_node(self) -> VolumeNode | MaybeNone:
        """The chosen CT; None where there is none."""
        return None if self.parameters is None else self.parameters.ctVolume

    @property
    def reader(self) -> str:
        """The reader's name; empty where none is given."""
        return "" if self.parameters is None else self.parameters.readerName.strip()

    @property
    def has_outer_levels(self) -> bool:
        """Whether T12 and L5 are to be measured as well."""
        return self.parameters is not None and self.parameters.outerLevels


class Listening(Protocol):
    """Shows the session, and listens to it: every section, and some others."""

    def refresh(self, what: str) -> None:
        """Show the session as it is now; see `Session`."""


class ErrorDisplay(Protocol):
    """Shows what cannot be done: see `Messages`."""

    @property
    def text(self) -> str:
        """The sentence that is shown; empty when none is."""

    def tell(self, sentence: str, of_scene: bool = False) -> None:
        """Show a sentence until the next action."""

    def clear(self) -> None:
        """Take the sentence away."""

    def show_input_errors(self) -> AbstractContextManager[None]:
        """Run one action and show why it cannot be done."""

    def show_work(self, sentence: str) -> AbstractContextManager[None]:
        """Show what is being computed while it is."""


class Reports(Protocol):
    """Shows what was done: see `Done`."""

    def tell(self, text: str, path: Path | None = None) -> None:
        """Show what was done, with a link to the file or folder that was written."""

    def open_page(self, page: Path) -> None:
        """Open a page in the browser, and offer to copy its path."""


class Asks(Protocol):
    """Asks the user: see `Questions`."""

    def confirmed(self, question: str, yes: str = "", no: str = "") -> bool:
        """Ask for yes or no, or for what the two buttons say."""

    def may_replace(self, folder: Path, question: str, uid: str = "") -> bool:
        """Ask before a folder is replaced."""

    def has_written(self, folder: Path, uid: str = "") -> None:
        """Note a folder that need not be asked for again."""

    def chosen_folder(self, title: str) -> str:
        """Ask for a folder."""

    def chosen_file(self, title: str, kinds: str) -> str:
        """Ask for a file."""

    def entered_text(self, title: str, question: str) -> str:
        """Ask for a line of text."""


class GoesTo(Protocol):
    """Shows a level: see `LevelsSection`."""

    def go_to(self, level: str) -> None:
        """Make a level the current one, and show it in the views."""


class MovesLevels(GoesTo, Protocol):
    """Moves a level's midline: see `LevelsSection`."""

    def move_to_mid_height(self, level: str) -> None:
        """Move the midline of a level to mid-height."""


class Places(Protocol):
    """Waits for the clicks that place midlines: see `Placing`."""

    bodies: "ClicksBodies"
    snap: "Snaps"

    @property
    def armed_level(self) -> str:
        """The level that the next click places; empty when none is placed."""

    def arm(self, level: str) -> None:
        """Let the next two clicks place a level."""

    def cancel(self) -> None:
        """Remove a half-placed point."""


class ClicksBodies(Protocol):
    """Waits for clicks into bodies: see `BodyClicks`."""

    level: str
    is_armed: bool
    is_between: bool

    def arm(self, levels: Sequence[str], between: Sequence[str] = ()) -> None:
        """Let the next clicks show the bodies of some levels."""


class Snaps(Protocol):
    """Lets clicks snap to the edge of a body: see `EdgeSnap`."""

    is_on: bool


@dataclass(frozen=True)
class Services:
    """What every section may use.

    Attributes
    ----------
    session : Session
        The current reading.
    choices : Choices
        The scene's parameters.
    messages : ErrorDisplay
    done : Reports
    questions : Asks
    placing : Places
    """

    session: Session
    choices: Choices
    messages: ErrorDisplay
    done: Reports
    questions: Asks
    placing: Places


class ListsLevels(GoesTo, Protocol):
    """Knows the levels of the reading: see `LevelsSection`."""

    def proposable(self) -> tuple[str, ...]:
        """Return the levels that are shown and wanted."""

    def unplaced(self) -> tuple[str, ...]:
        """Return the wanted levels that have no midline."""

    def place(self, level: str) -> None:
        """Let the next clicks place a level."""


class OpensReadings(Protocol):
    """Opens and closes readings: see `Panel`."""

    def open_reading(self, reading: Reading) -> None:
        """Make a reading the current one."""

    def close_reading(self) -> None:
        """Close the current reading; it stays in its scene."""

    def follow_parameters(self) -> None:
        """Do what the scene's parameters say."""

    def kept_reading(self) -> Reading | None:
        """Return the reading that the scene's parameters name."""


class StartsReadings(Protocol):
    """Starts a reading of the chosen CT: see `SetupSection`."""

    def start_reading(self) -> None:
        """Start a reading, and make it the current one."""


class Exports(Protocol):
    """Writes audit folders: see `KeepSection`."""

    @property
    def export_root(self) -> str:
        """The folder that audit folders are written below; empty where none is chosen."""

    def export(self) -> bool:
        """Write the reading's audit folder."""


class ListsFindings(Protocol):
    """Lists what is doubtful: see `FindingsSection`."""

    @property
    def severe(self) -> list[str]:
        """What is severe and not accepted for the reading, in a few words each."""

    def bring_into_sight(self) -> None:
        """Show every line."""


class UsesCalibrations(Protocol):
    """Calibrates the current reading: see `CalibrationSection`."""

    def use(self, calibration: CalibrationDocument) -> None:
        """Calibrate the current reading."""
