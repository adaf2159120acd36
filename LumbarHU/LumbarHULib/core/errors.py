"""The one exception that a user is meant to read."""


class InputError(ValueError):
    """Input that cannot be measured.

    The message is one sentence for the user: what is wrong, the value with its unit, and what to do.

    Parameters
    ----------
    sentence : str
        The sentence. Nothing is added to it before it is shown.
    level : str, optional
        The vertebral level concerned, such as ``"L2"``; the sentence names it as well.
    """

    def __init__(self, sentence: str, level: str | None = None):
        super().__init__(sentence)
        self.level = level
