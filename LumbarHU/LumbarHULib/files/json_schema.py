"""Check JSON against one of the schemas in ``Resources/Schemas`` and name the line that violates it.

Slicer bundles no JSON Schema validator, and existing validators do not report lines. This one supports the keywords
that these schemas use and refuses a schema with any other keyword.
"""

import json
import re
from difflib import get_close_matches
from functools import lru_cache
from typing import Any

from LumbarHULib.files.located_json import LocatedValue
from LumbarHULib.files.resources import resource_path

_Schema = dict[str, Any]

_TYPES: dict[str, tuple[Any, str]] = {
    "object": (dict, "an object in { }"),
    "array": (list, "a list in [ ]"),
    "string": (str, "text in double quotes"),
    "number": ((int, float), "a number"),
    "integer": ((int, float), "a whole number"),
    "boolean": (bool, "true or false"),
    "null": (type(None), "null"),
}
# The name of a schema, and its number, which increases when older versions cannot read such files.
_NUMBERED = re.compile(r"(lumbarhu-.+-)([1-9]\d{0,8})")
# A title describes a pattern in words, for the error message.
_WITHOUT_EFFECT = {"$schema", "$id", "$defs", "$comment", "title", "description"}
_KEYWORDS = _WITHOUT_EFFECT | {
    *("$ref", "type", "const", "enum", "anyOf"),
    *("properties", "required", "additionalProperties"),
    *("items", "minItems", "maxItems", "uniqueItems"),
    *("minLength", "pattern", "minimum", "exclusiveMinimum", "maximum"),
}


def check_against_schema(document: LocatedValue, schema_name: str) -> None:
    """Raise InputError, with the line, if `document` violates ``Resources/Schemas/<schema_name>``."""
    schema = _schema(schema_name)
    _check_is_not_newer(document, schema)
    _check(document, schema, schema, "")


@lru_cache
def _schema(name: str) -> _Schema:
    return json.loads(resource_path("Schemas", name).read_text(encoding="utf-8"))


def is_newer_schema(found: str, own: str) -> bool:
    """Return whether two names of schemas, such as ``lumbarhu-record-1``, differ in a greater number of the first."""
    newer, known = (_NUMBERED.fullmatch(name) for name in (found, own))
    return bool(newer and known and newer[1] == known[1] and int(newer[2]) > int(known[2]))


def _check_is_not_newer(document: LocatedValue, schema: _Schema) -> None:
    """Raise InputError if a newer version wrote the document: it needs an update of the program, not a correction."""
    if not isinstance(document.value, dict) or "schema" not in document:
        return
    own = schema.get("properties", {}).get("schema", {}).get("const")
    if is_newer_schema(str(document["schema"].value), str(own)):
        raise document["schema"].error(
            f"“schema” is {_shown(document['schema'])}, which a newer version of LumbarHU wrote: update LumbarHU."
        )


def _check(place: LocatedValue, schema: _Schema, root: _Schema, name: str) -> None:
    unknown = set(schema) - _KEYWORDS
    if unknown:
        raise ValueError(f"The schema of “{name}” uses unsupported keywords: {', '.join(sorted(unknown))}.")
    if "$ref" in schema:
        _check(place, _definition(root, schema["$ref"]), root, name)
    if "anyOf" in schema:
        _check_any(place, schema["anyOf"], root, name)
    _check_type(place, schema, name)
    _check_options(place, schema, name)
    if _is(place.value, "number"):
        _check_number(place, schema, name)
    elif isinstance(place.value, str):
        _check_text(place, schema, name)
    elif isinstance(place.value, list):
        _check_list(place, schema, root, name)
    elif isinstance(place.value, dict):
        _check_object(place, schema, root, name)


def _definition(root: _Schema, reference: str) -> _Schema:
    found = root
    for part in reference.removeprefix("#/").split("/"):
        found = found[part]
    return found


def _is(value: Any, type_name: str) -> bool:
    kind = _TYPES[type_name][0]
    if isinstance(value, bool):
        return kind is bool
    return isinstance(value, kind) and (type_name != "integer" or value == int(value))


def _check_type(place: LocatedValue, schema: _Schema, name: str) -> None:
    wanted = schema.get("type", [])
    wanted = [wanted] if isinstance(wanted, str) else wanted
    if wanted and not any(_is(place.value, type_name) for type_name in wanted):
        shown = " or ".join(_TYPES[type_name][1] for type_name in wanted)
        raise place.error(f"{_called(name)} is {_shown(place)}, not {shown}.")


def _check_options(place: LocatedValue, schema: _Schema, name: str) -> None:
    options = [schema["const"]] if "const" in schema else schema.get("enum")
    if options is None:
        return
    found = place.plain()
    if not any(found == option and isinstance(found, bool) == isinstance(option, bool) for option in options):
        shown = " or ".join(json.dumps(option, ensure_ascii=False) for option in options)
        raise place.error(f"{_called(name)} is {_shown(place)}: write {shown}.")


def _check_any(place: LocatedValue, schemas: list[_Schema], root: _Schema, name: str) -> None:
    problems = []
    for schema in schemas:
        try:
            return _check(place, schema, root, name)
        except ValueError as problem:
            problems.append(problem)
    raise problems[-1]


def _check_number(place: LocatedValue, schema: _Schema, name: str) -> None:
    low, above, high = (schema.get(keyword) for keyword in ("minimum", "exclusiveMinimum", "maximum"))
    value = place.value
    if (low is None or value >= low) and (above is None or value > above) and (high is None or value <= high):
        return
    if high is None:
        wanted = f"more than {above:g}" if low is None else f"at least {low:g}"
    else:
        wanted = f"up to {high:g}" if low is None else f"{low:g} to {high:g}"
    raise place.error(f"{_called(name)} is {value:g}: use {wanted}.")


def _check_text(place: LocatedValue, schema: _Schema, name: str) -> None:
    if len(place.value) < schema.get("minLength", 0):
        raise place.error(f"{_called(name)} is empty: fill it in.")
    # In Python, unlike in JSON Schema, $ also matches before a line end.
    if "pattern" in schema and not re.search(re.sub(r"\$$", r"\\Z", schema["pattern"]), place.value):
        wanted = schema.get("title", f"text that matches {schema['pattern']}")
        raise place.error(f"{_called(name)} is {_shown(place)}: use {wanted}.")


def _check_list(place: LocatedValue, schema: _Schema, root: _Schema, name: str) -> None:
    for index, item in enumerate(place.value):
        _check(item, schema.get("items", {}), root, f"{name}[{index}]")
    least, most = schema.get("minItems", 0), schema.get("maxItems")
    if len(place.value) < least or (most is not None and len(place.value) > most):
        wanted = f"{least}" if least == most else f"at least {least}" if most is None else f"{least} to {most}"
        raise place.error(f"{_called(name)} has {len(place.value)} entries: give {wanted}.")
    if schema.get("uniqueItems"):
        seen = []
        for item in place.value:
            if item.plain() in seen:
                raise item.error(f"{_called(name)} lists {_shown(item)} twice: list it once.")
            seen.append(item.plain())


def _check_object(place: LocatedValue, schema: _Schema, root: _Schema, name: str) -> None:
    known = schema.get("properties", {})
    others = schema.get("additionalProperties", True)
    for member_name, member in place.value.items():
        path = f"{name}.{member_name}".lstrip(".")
        if member_name in known:
            _check(member, known[member_name], root, path)
        elif isinstance(others, dict):
            _check(member, others, root, path)
        elif not others:
            close = get_close_matches(member_name, known, 1)
            advice = f"write “{close[0]}”." if close else "remove it or correct its name."
            raise member.error(f"“{path}” is not a known name: {advice}")
    missing = [member_name for member_name in schema.get("required", ()) if member_name not in place.value]
    if missing:
        raise place.error(f"{_called(name)} lacks “{missing[0]}”: add it.")


def _called(name: str) -> str:
    return f"“{name}”" if name else "The document"


def _shown(place: LocatedValue) -> str:
    if isinstance(place.value, (dict, list)):
        return _TYPES["object" if isinstance(place.value, dict) else "array"][1]
    text = json.dumps(place.value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}…"
