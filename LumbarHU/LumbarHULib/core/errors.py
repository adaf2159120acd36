"""The one exception whose message is written for the user."""

import re

# Longest name in quotes, or longest word, that a message shows: long enough for a path, too short for a whole file.
_LONGEST_NAME = 240
_TOO_LONG = re.compile(f"(?<=“)[^”]{{{_LONGEST_NAME + 1},}}(?=”)|[^\\s“”]{{{_LONGEST_NAME + 1},}}")


class InputError(ValueError):
    """Input that cannot be measured.

    The message is written for the user: what is wrong, the value with its unit, and what to do.

    Parameters
    ----------
    sentence : str
        The message. Only the remedy is added to it before it is shown; a name of hundreds of letters is shortened in
        its middle.
    level : str, optional
        The vertebral level concerned, such as ``"L2"``; the sentence also names it.
    remedy : str, optional
        What to do, where `sentence` states only what is wrong. Used for errors that another error quotes as its cause.

    Attributes
    ----------
    cause : str
        What is wrong, for use inside another sentence: `sentence` without its full stop. It includes what to do,
        unless `remedy` was given separately.
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
