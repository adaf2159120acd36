"""What the panel tells its user: one line at its top, never a box that stops the work."""

from contextlib import contextmanager

import slicer

from LumbarHULib.core.errors import InputError


class Messages:
    """The line at the top of the panel.

    Parameters
    ----------
    label : QLabel
    """

    def __init__(self, label) -> None:
        self._label = label
        self._is_of_scene = False
        label.styleSheet = "QLabel { background: #c0392b; color: white; padding: 5px; border-radius: 3px; }"
        self.clear()

    @property
    def text(self) -> str:
        """What is told; empty when nothing is."""
        return self._label.text

    def tell(self, sentence: str, of_scene: bool = False) -> None:
        """Show a sentence until the next action or, where it is of the scene, until that is looked at again."""
        self._is_of_scene = of_scene
        self._label.text = sentence
        self._label.visible = bool(sentence)

    def clear(self) -> None:
        """Take the sentence away."""
        self.tell("")

    @contextmanager
    def problems_told(self):
        """Run one action: what cannot be done is told here, anything else is a fault of ours and goes on."""
        self.clear()
        try:
            yield
        except InputError as problem:
            self.tell(str(problem))

    @contextmanager
    def scene_problems_told(self):
        """Look at the scene, which may have changed by itself: what an action told stays."""
        if self._is_of_scene:
            self.clear()
        try:
            yield
        except InputError as problem:
            self.tell(str(problem), of_scene=True)


@contextmanager
def rendering_paused():
    """Let the views wait until everything is written: they would draw each change at once otherwise."""
    slicer.app.pauseRender()
    try:
        yield
    finally:
        slicer.app.resumeRender()
