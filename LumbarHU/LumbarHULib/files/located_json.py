"""Read JSON and record the line of every value, so that an error message can name the line."""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from json import JSONDecodeError
from json.decoder import scanstring  # type: ignore[attr-defined]  # typeshed lacks it
from pathlib import Path
from typing import Any, NoReturn

from LumbarHULib.core.errors import InputError
from LumbarHULib.files.file_bytes import read_file

_BLANKS = re.compile(r"[ \t\n\r]*")
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(\.\d+)?([eE][-+]?\d+)?", re.ASCII)
_WORD = re.compile(r"[^\s,:\[\]{}\"]{1,30}|.", re.DOTALL)
_CONSTANTS = {"true": True, "false": False, "null": None}

# Deeper than any LumbarHU file, and well within Python's own limit.
_DEEPEST = 60

# More digits than any number in a LumbarHU file; Python refuses to read numbers of several thousand digits.
_LONGEST_NUMBER = 400


@dataclass(frozen=True, eq=False)
class LocatedValue:
    """A value of a JSON file.

    Parameters
    ----------
    file_name : str
        The file's name without its folders.
    line : int
        The line where the value begins, counted from 1.
    value : dict of str to LocatedValue, list of LocatedValue, str, int, float, bool or None
    """

    file_name: str
    line: int
    value: Any

    def error(self, sentence: str) -> InputError:
        """Return an error that puts the file's name and the line before `sentence`."""
        return InputError(f"{self.file_name}, line {self.line}: {sentence}")

    def plain(self) -> Any:
        """Return the value as Python's own json module would."""
        if isinstance(self.value, dict):
            return {name: member.plain() for name, member in self.value.items()}
        if isinstance(self.value, list):
            return [item.plain() for item in self.value]
        return self.value

    def __getitem__(self, name: str | int) -> "LocatedValue":
        return self.value[name]

    def __contains__(self, name: str) -> bool:
        return name in self.value


def read_located_json(path: Path, shown_name: str = "") -> LocatedValue:
    """Read a JSON file.

    Parameters
    ----------
    path : pathlib.Path
    shown_name : str
        The file in sentences, such as with its folder where several folders have a file of this name.

    Raises
    ------
    InputError
        If the file is missing or not JSON; the sentence names the line. A name that occurs twice in one object, and a
        number that is not finite, are refused as well.
    """
    path = Path(path)
    return decode_located_json(read_file(path), shown_name or path.name)


def decode_located_json(content: bytes, file_name: str) -> LocatedValue:
    """Return the value in the bytes of a JSON file; raise InputError as `read_located_json` does."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise InputError(
            f"{file_name}, line {line}: this is not text in UTF-8: save the file in that encoding."
        ) from error
    return parse_located_json(text, file_name)


def parse_located_json(text: str, file_name: str) -> LocatedValue:
    """Return the value in JSON text; raise InputError as `read_located_json` does, with `file_name` and the line."""
    if not text.strip():
        raise InputError(f"“{file_name}” is empty: copy it again.")
    return _Reader(file_name, text).document()


class _Reader:
    """Reads one text from start to end; each method continues at the current position."""

    def __init__(self, file_name: str, text: str) -> None:
        self.file_name = file_name
        self.text = text
        self.at = 0
        self.line = 1
        self.counted_to = 0
        self.depth = 0

    def document(self) -> LocatedValue:
        value = self._value()
        if self._next_character():
            self._refuse("there is text after the end of the JSON document: remove it.")
        return value

    def _value(self) -> LocatedValue:
        character = self._next_character()
        line = self._line_of(self.at)
        if character in ("{", "["):
            return LocatedValue(self.file_name, line, self._members() if character == "{" else self._items())
        if character == '"':
            return LocatedValue(self.file_name, line, self._string())
        return LocatedValue(self.file_name, line, self._number_or_constant())

    def _members(self) -> dict[str, LocatedValue]:
        members: dict[str, LocatedValue] = {}
        for _ in self._separated("}"):
            if self._next_character() != '"':
                self._refuse(f"expected a name in double quotes but found {self._word()}: correct it.")
            at = self.at
            name = self._string()
            if name in members:
                self.at = at
                self._refuse(f"“{name}” occurs twice, first in line {members[name].line}: remove one of them.")
            end = self.at
            if self._next_character() != ":":
                self.at = end
                self._refuse(f"a colon is missing after “{name}”: add it.")
            self.at += 1
            members[name] = self._value()
        return members

    def _items(self) -> list[LocatedValue]:
        return [self._value() for _ in self._separated("]")]

    def _separated(self, closing: str) -> Iterator[None]:
        """Yield at the start of each part of an object or list, and read the brackets and commas around the parts."""
        opened_at = self.at
        self.at += 1
        self.depth += 1
        if self.depth > _DEEPEST:
            self._refuse(f"brackets are nested too deeply, more than {_DEEPEST} levels: check the file.")
        if self._next_character() == closing:
            self.at += 1
            self.depth -= 1
            return
        while True:
            yield
            end = self.at
            character = self._next_character()
            if character == closing:
                break
            if character != ",":
                if not character:
                    self.at = opened_at
                    self._refuse(f"the {self.text[opened_at]} of this line is never closed: the file may be cut off.")
                self.at = end
                self._refuse(f"a comma or {closing} is missing after this value: add it.")
            comma_at = self.at
            self.at += 1
            if self._next_character() == closing:
                self.at = comma_at
                self._refuse(f"there is a comma before the closing {closing}: remove it.")
        self.at += 1
        self.depth -= 1

    def _string(self) -> str:
        at = self.at
        try:
            text, self.at = scanstring(self.text, at + 1, True)
        except JSONDecodeError as error:
            if error.pos > at and "Unterminated" not in error.msg:
                self.at = error.pos
            self._refuse(f"the text in double quotes is invalid ({error.msg.removesuffix(' at')}): correct it.")
        if any("\ud800" <= character <= "\udfff" for character in text):
            self.at = at
            self._refuse("the text in double quotes contains half a character: correct it.")
        return text

    def _number_or_constant(self) -> int | float | bool | None:
        match = _NUMBER.match(self.text, self.at)
        if match:
            end = match.end()
            if _BLANKS.fullmatch(self.text[end : end + 1]) or self.text[end : end + 1] in ",]}":
                number = self._number(match)
                self.at = end
                return number
        if not self._next_character():
            self._refuse("the file ends where a value is expected: it may be cut off.")
        word = self._word()
        if word not in _CONSTANTS:
            self._refuse(f"expected a number, text in double quotes, true or false but found {word}: correct it.")
        self.at += len(word)
        return _CONSTANTS[word]

    def _number(self, match: re.Match[str]) -> int | float:
        is_whole = match[1] is None and match[2] is None
        number = math.inf if len(match[0]) > _LONGEST_NUMBER else (int if is_whole else float)(match[0])
        if not -1e300 < number < 1e300:
            self._refuse(f"the number {match[0][:30]} is too large: correct it.")
        return number

    def _word(self) -> str:
        match = _WORD.match(self.text, self.at)
        return match[0] if match else "the end of the file"

    def _next_character(self) -> str:
        """Skip blanks and return the character after them; empty at the end."""
        if blanks := _BLANKS.match(self.text, self.at):
            self.at = blanks.end()
        return self.text[self.at : self.at + 1]

    def _line_of(self, position: int) -> int:
        """Return the line of a position, which must follow every earlier position asked for."""
        self.line += self.text.count("\n", self.counted_to, position)
        self.counted_to = position
        return self.line

    def _refuse(self, sentence: str) -> NoReturn:
        line = self.text.count("\n", 0, self.at) + 1
        raise InputError(f"{self.file_name}, line {line}: {sentence}")
