"""The one exception that a user is meant to read."""

import re

# How much is shown of a name in quotes, or of a word: a path still fits, the text of a whole cell or file does not.
_LONGEST_NAME = 240
_TOO_LONG = re.compile(f"(?<=“)[^”]{{{_LONGEST_NAME + 1},}}(?=”)|[^\\s“”]{{{_LONGEST_NAME + 1},}}")


class InputError(ValueError):
    """Input that cannot be measured.

    The message is one sentence for the user: what is wrong, the value with its unit, and what to do.

    Parameters
    ----------
    sentence : str
        The sentence. Nothing but the remedy is added to it before it is shown; a name of hundreds of letters loses its
        middle.
    level : str, optional
        The vertebral level concerned, such as ``"L2"``; the sentence names it as well.
    remedy : str, optional
        What to do, if the sentence says only what is wrong; for an error that another one may give as its cause.

    Attributes
    ----------
    cause : str
        What is wrong, to stand inside another sentence: the one given, without its full stop. It tells what to do as
        well, unless that was given apart.
    remedy : str
        As given.
    """

    def __init__(self, sentence: str, level: str | None = None, remedy: str = "") -> None:
        super().__init__(_TOO_LONG.sub(_without_middle, f"{sentence}: {remedy}." if remedy else sentence))
        self.level = level
        self.cause, self.remedy = sentence.removesuffix("."), remedy


def _without_middle(name: re.Match[str]) -> str:
    half = _LONGEST_NAME // 2
    return f"{name[0][:half]}…{name[0][-half:]}"
