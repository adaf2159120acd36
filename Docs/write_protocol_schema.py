"""Write the schema of protocol files from core/protocol_values.py and the shapes of core/regions/definition.py.

python Docs/write_protocol_schema.py

A test compares the file with it.
"""

import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "LumbarHU"))

from LumbarHULib.core.levels import MEAN_LEVELS  # noqa: E402
from LumbarHULib.core.protocol import DECLARED, STUDY_VALUES  # noqa: E402
from LumbarHULib.core.regions.definition import MEANS, PARAMETERS, PARTS, SHAPES, SIDES, SLICE_RULES  # noqa: E402
from LumbarHULib.core.value_group import Declaration  # noqa: E402
from LumbarHULib.files.resources import resource_path  # noqa: E402

SCHEMA = resource_path("Schemas", "protocol.schema.json")
_NAME = "lumbarhu-protocol-1"
# Folders have the id as their name, and Windows has none of the excluded names, nor one that ends with a dot.
_ID = {
    "type": "string",
    "title": "up to 60 lower-case letters, digits, dots, hyphens and underscores that can name a folder, such as mine",
    "pattern": r"^(?!(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\.|$))[a-z0-9](?:[a-z0-9._-]{0,58}[a-z0-9])?$",
}
_TEXT = {"type": "string", "minLength": 1}


def schema() -> dict[str, Any]:
    """Return the schema as plain JSON values."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": _NAME,
        "title": "Measurement protocol of LumbarHU",
        "description": "The study's choices, each with its unit, source and note, any other value that should "
        "differ from the study's protocol in Resources/Protocols, and the regions, if they are not the study's five.",
        "type": "object",
        "required": ["schema", "name", "version", "citation", "values"],
        "additionalProperties": False,
        "properties": {
            "$schema": {"type": "string"},
            "schema": {"const": _NAME},
            "id": _ID,
            **dict.fromkeys(("name", "version", "citation"), _TEXT),
            "values": {
                "type": "object",
                "required": list(STUDY_VALUES),
                "additionalProperties": False,
                "properties": {name: _quantity(declared) for name, declared in DECLARED.items()},
            },
            "regions": {"type": "object", "additionalProperties": {"$ref": "#/$defs/region"}},
        },
        "$defs": {
            "region": _region(),
            "quantity": {
                "type": "object",
                "required": ["value", "unit", "source"],
                "additionalProperties": False,
                "properties": {"value": {}, "unit": {"type": "string"}, "source": _TEXT, "note": {"type": "string"}},
            },
        },
    }


def text() -> str:
    """Return the file's text."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


def _quantity(declared: Declaration) -> dict[str, Any]:
    if declared.options:
        value: dict[str, Any] = {"enum": list(declared.options)}
    elif declared.level_names:
        value = {"type": "array", "items": {"enum": list(MEAN_LEVELS)}, "minItems": 1, "uniqueItems": True}
    else:
        kind = "integer" if declared.integer else "number"
        value = {"type": kind, "minimum": declared.low, "maximum": declared.high}
    return {
        "$ref": "#/$defs/quantity",
        "description": declared.meaning,
        "properties": {"value": value, "unit": {"const": declared.unit}},
    }


def _region() -> dict[str, Any]:
    words = {"shape": list(SHAPES), "slices": list(SLICE_RULES), "part": list(PARTS), "side": list(SIDES)}
    return {
        "type": "object",
        "required": ["title", "shape", "source"],
        "additionalProperties": False,
        "properties": {
            "title": _TEXT,
            **{name: {"enum": options} for name, options in {**words, "mean": list(MEANS)}.items()},
            "source": _TEXT,
            "note": {"type": "string"},
            **{
                name: {
                    "$ref": "#/$defs/quantity",
                    "description": parameter.meaning,
                    "properties": {
                        "value": {
                            "type": "integer" if parameter.integer else "number",
                            "minimum": parameter.low,
                            "maximum": parameter.high,
                        },
                        "unit": {"const": parameter.unit},
                    },
                }
                for name, parameter in PARAMETERS.items()
            },
        },
    }


if __name__ == "__main__":
    SCHEMA.write_text(text(), encoding="utf-8")
