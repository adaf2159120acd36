"""Protocol files with regions of their own: mistakes, each with its line and what would be right."""

import json
import re

import pytest

from LumbarHULib.core.errors import InputError
from LumbarHULib.files.protocol_file import load_protocol, shipped_paths

QUANTITY = {"unit": "mm", "source": "us", "note": ""}


def own(tmp_path, protocol: str, change, text_change=None):
    """Return the file of a shipped protocol under an id of its own, changed; `change` gets document and region."""
    document = json.loads(shipped_paths()[protocol].read_text(encoding="utf-8"))
    document["id"] = "mine"
    (region,) = document["regions"].values()
    change(document, region)
    text = json.dumps(document, indent=2, ensure_ascii=False)
    path = tmp_path / "own.json"
    path.write_text(text if text_change is None else text_change(text), encoding="utf-8")
    return path


def nothing(document, region):
    pass


def renamed(name: str):
    return lambda document, region: document.update(regions={name: region})


def zone(side: str | None):
    def change(document, region):
        for key in ("part", "mean", "endplate_distance_mm"):
            del region[key]
        region |= {"shape": "zone", "slices": "mid_slice"} | ({} if side is None else {"side": side})

    return change


# Protocol, change, how the line begins that the sentence names, and what it says is right.
MISTAKES = {
    "unknown shape": (
        *("circle-200mm2-2025", lambda document, region: region.update(shape="square")),
        *('"shape": "square"', '.shape” is "square": write "largest_circle" or "largest_ellipse" or "circle" or'),
    ),
    "no shape": (
        *("circle-200mm2-2025", lambda document, region: region.pop("shape")),
        *('"circle_200mm2": {', "lacks “shape”: add it"),
    ),
    "a missing parameter": (
        *("circle-200mm2-2025", lambda document, region: region.pop("area_mm2")),
        *('"circle_200mm2": {', "lacks area_mm2, the area of the circle: add it"),
    ),
    "a parameter of another shape": (
        *("circle-200mm2-2025", lambda document, region: region.update(erosion_mm=QUANTITY | {"value": 7})),
        *('"erosion_mm": {', "has the value erosion_mm, which its shape and slices do not use: remove it"),
    ),
    "a value that is too small": (
        *("circle-200mm2-2025", lambda document, region: region["area_mm2"].update(value=5)),
        *('"value": 5,', "area_mm2.value” is 5: use 10 to 2000"),
    ),
    "a value that is negative": (
        *("eroded-7mm-2021", lambda document, region: region["erosion_mm"].update(value=-7)),
        *('"value": -7', "erosion_mm.value” is -7: use 0.1 to 20"),
    ),
    "a value in quotes": (
        *("circle-200mm2-2025", lambda document, region: region["area_mm2"].update(value="200")),
        *('"value": "200"', 'is "200", not a number'),
    ),
    "a number that is not whole": (
        *("ellipse-prism", lambda document, region: region["erosion_steps"].update(value=1.5)),
        *('"value": 1.5', "erosion_steps.value” is 1.5, not a whole number"),
    ),
    "another unit": (
        *("circle-200mm2-2025", lambda document, region: region["area_mm2"].update(unit="cm2")),
        *('"unit": "cm2"', 'area_mm2.unit” is "cm2": write "mm2"'),
    ),
    "a number without its unit": (
        *("circle-200mm2-2025", lambda document, region: region.update(area_mm2=200)),
        *('"area_mm2": 200', "area_mm2” is 200, not an object in { }"),
    ),
    "no source": (
        *("circle-200mm2-2025", lambda document, region: region.pop("source")),
        *('"circle_200mm2": {', "lacks “source”: add it"),
    ),
    "a name of the study with another shape": (
        *("circle-200mm2-2025", renamed("round")),
        *('"round": {', "is not the study's region of this name: define it as the study does, or give it another name"),
    ),
    "a name with a space": (
        *("circle-200mm2-2025", renamed("Circle 200")),
        *('"Circle 200": {', "use up to 40 lower-case letters, digits and underscores, beginning with a letter"),
    ),
    "a name that Windows cannot store": (
        *("circle-200mm2-2025", renamed("con")),
        *('"con": {', "because Windows has no file of this name: use another"),
    ),
    "no id": (
        *("circle-200mm2-2025", lambda document, region: document.pop("id")),
        *("{", "A protocol with regions of its own needs an “id”, to which cutoffs can refer: add one"),
    ),
    "an id with a space": (
        *("circle-200mm2-2025", lambda document, region: document.update(id="my id")),
        *('"id": "my id"', '“id” is "my id": use up to 60 lower-case letters, digits, dots, hyphens and underscores'),
    ),
    "an id that Windows cannot store": (
        *("circle-200mm2-2025", lambda document, region: document.update(id="nul.1")),
        *('"id": "nul.1"', '“id” is "nul.1": use up to 60 lower-case letters'),
    ),
    "an id with a line end": (
        *("circle-200mm2-2025", lambda document, region: document.update(id="mine\n")),
        *('"id": "mine', "use up to 60 lower-case letters"),
    ),
    "the study's id": (
        *("circle-200mm2-2025", lambda document, region: document.update(id="lumbarhu-2022-study")),
        *('"id": "lumbarhu', "of a shipped protocol, but defines its regions differently: give it an id of its own"),
    ),
    "the id of the protocol that it was copied from": (
        "circle-200mm2-2025",
        lambda document, region: (document.update(id="circle-200mm2-2025"), region["area_mm2"].update(value=150)),
        *('"id": "circle', "of a shipped protocol, but defines its regions differently: give it an id of its own"),
    ),
    "a part of a shape without parts": (
        *("circle-200mm2-2025", lambda document, region: region.update(part="body")),
        *('"part": "body"', "has the part “body”, which its shape does not use: remove it"),
    ),
    "an unknown part": (
        *("three-slice", lambda document, region: region.update(part="front")),
        *('"part": "front"', '.part” is "front": write "anterior" or "body"'),
    ),
    "no part": (
        *("three-slice", lambda document, region: region.pop("part")),
        *('"three_ellipses": {', "lacks its part: add “part”, one of anterior, body"),
    ),
    "a zone without a side": (
        *("three-slice", zone(None)),
        *('"three_ellipses": {', "lacks its side: add “side”, one of front, left, right"),
    ),
    "a zone on an unknown side": (
        *("three-slice", zone("back")),
        *('"side": "back"', '.side” is "back": write "front" or "left" or "right"'),
    ),
    "a side of an ellipse": (
        *("three-slice", lambda document, region: region.update(side="left")),
        *('"side": "left"', "has the side “left”, which its shape does not use: remove it"),
    ),
    "an unknown mean": (
        *("three-slice", lambda document, region: region.update(mean="median")),
        *('"mean": "median"', '.mean” is "median": write "voxels" or "slices"'),
    ),
    "a mean of slices in one slice": (
        *("circle-200mm2-2025", lambda document, region: region.update(mean="slices")),
        *('"mean": "slices"', "has the mean “slices”, which needs the slices endplates_and_mid_slice: use voxels"),
    ),
    "slices that the shape cannot have": (
        *("eroded-7mm-2021", lambda document, region: region.update(slices="endplates_and_mid_slice")),
        *('"slices": "endplates', "use one of body, mid_slice, around_mid_slice for a region of the shape eroded"),
    ),
    "no regions": (
        *("circle-200mm2-2025", lambda document, region: document.update(regions={})),
        *('"regions": {}', "defines no region: define one, or omit “regions” for the study's five"),
    ),
    "a list of regions": (
        *("circle-200mm2-2025", lambda document, region: document.update(regions=[region])),
        *('"regions": [', "“regions” is a list in [ ], not an object in { }"),
    ),
    "a misspelled key": (
        *("circle-200mm2-2025", lambda document, region: region.update(area_mm=region.pop("area_mm2"))),
        *('"area_mm": {', ".area_mm” is not a known name: write “area_mm2”"),
    ),
    "more levels needed than the mean has": (
        *("circle-200mm2-2025", lambda document, region: document["values"]["minimum_levels"].update(value=3)),
        *('"minimum_levels": {', "minimum_levels = 3 and mean_levels = L1 contradict each other: the first must not"),
    ),
    "a mean over a level that has no place in one": (
        *("circle-200mm2-2025", lambda document, region: document["values"]["mean_levels"].update(value=["S1"])),
        *('"S1"', 'is "S1": write "L1" or "L2" or "L3" or "L4"'),
    ),
    "a value of the study that is missing": (
        *("circle-200mm2-2025", lambda document, region: document["values"].pop("slab_mm")),
        *('"values": {', "“values” lacks “slab_mm”: add it"),
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_refused_with_its_line_and_the_remedy(name, tmp_path):
    protocol, change, start, remedy = MISTAKES[name]
    path = own(tmp_path, protocol, change)
    with pytest.raises(InputError) as refusal:
        load_protocol(path)
    sentence = str(refusal.value)
    assert remedy in sentence
    number = int(re.match(r"own\.json, line (\d+): ", sentence).group(1))
    line = path.read_text(encoding="utf-8").splitlines()[number - 1].strip()
    assert line.startswith(start), line


@pytest.mark.parametrize(
    ("text_change", "start", "remedy"),
    [
        (
            lambda text: text.replace('"circle",', '"circle"'),
            '"shape"',
            "a comma or } is missing after this value: add",
        ),
        (lambda text: text.replace('"value": 200,', '"value": NaN,'), '"value": NaN', "expected a number"),
        (
            lambda text: text.replace('"slices": "mid_slice",', '"shape": "zone",'),
            *('"shape": "zone"', "“shape” occurs twice, first in line"),
        ),
    ],
    ids=["no comma", "NaN", "a key twice"],
)
def test_broken_json_is_refused_with_its_line(text_change, start, remedy, tmp_path):
    path = own(tmp_path, "circle-200mm2-2025", nothing, text_change)
    with pytest.raises(InputError) as refusal:
        load_protocol(path)
    assert remedy in str(refusal.value)
    number = int(re.match(r"own\.json, line (\d+): ", str(refusal.value)).group(1))
    assert path.read_text(encoding="utf-8").splitlines()[number - 1].strip().startswith(start)


def test_a_region_twice_is_refused_with_both_lines(tmp_path):
    def twice(text):
        start = text.index('    "circle_200mm2"')
        region = text[start : text.index("\n    }", start) + len("\n    }")]
        return text.replace(region, f"{region},\n{region}")

    path = own(tmp_path, "circle-200mm2-2025", nothing, twice)
    lines = path.read_text(encoding="utf-8").splitlines()
    first, second = [number for number, line in enumerate(lines, start=1) if '"circle_200mm2"' in line]
    with pytest.raises(
        InputError, match=f"line {second}: “circle_200mm2” occurs twice, first in line {first}: remove one"
    ):
        load_protocol(path)


def test_a_file_with_another_title_or_version_may_have_the_shipped_id(tmp_path):
    def retitled(document, region):
        document["id"] = "circle-200mm2-2025"
        region["title"] = "our circle"

    assert load_protocol(own(tmp_path, "circle-200mm2-2025", retitled)).id == "circle-200mm2-2025"
