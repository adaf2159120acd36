"""The definition of a region: what each shape needs, and what is refused."""

import pytest

from LumbarHULib.core.errors import InputError
from LumbarHULib.core.levels import ROIS
from LumbarHULib.core.regions.definition import MEANS, PARAMETERS, SHAPES, SLICE_RULES, STUDY_REGIONS, Region

PRISM = {
    "half_height_mm": 3.75,
    "center_share": 0.58,
    "depth_share": 0.5,
    "width_share": 0.65,
    "erosion_steps": 2.0,
    "coarse_erosion_steps": 1.0,
    "coarse_slice_mm": 3.0,
    "sagittal_voxels_min": 200.0,
}

# Shape, slices, and everything that such a region needs.
VALID = [
    ("largest_circle", "mid_slice", {"part": "anterior"}, {}),
    ("largest_circle", "around_mid_slice", {"part": "body"}, {"half_height_mm": 4.0}),
    ("largest_ellipse", "endplates_and_mid_slice", {"part": "body", "mean": "slices"}, {"endplate_distance_mm": 2.0}),
    ("circle", "mid_slice", {}, {"area_mm2": 200.0}),
    ("circle", "endplates_and_mid_slice", {"mean": "voxels"}, {"area_mm2": 200.0, "endplate_distance_mm": 2.0}),
    ("zone", "mid_slice", {"side": "left"}, {}),
    ("eroded", "body", {}, {"erosion_mm": 7.0}),
    ("eroded", "around_mid_slice", {}, {"erosion_mm": 7.0, "half_height_mm": 3.0}),
    ("mask_ellipse", "mask_middle", {}, PRISM),
]


@pytest.mark.parametrize(("shape", "slices", "words", "parameters"), VALID)
def test_a_region_needs_each_of_its_parameters_and_words(shape, slices, words, parameters):
    region = Region("mine", "mine", shape, slices, **words, parameters=parameters)
    assert {name: region[name] for name in parameters} == parameters
    assert not region.is_of_study
    for name in parameters:
        less = {other: value for other, value in parameters.items() if other != name}
        with pytest.raises(InputError, match=f"The region mine lacks {name}, the .*: add it"):
            Region("mine", "mine", shape, slices, **words, parameters=less)
    for name in {"part", "side"} & words.keys():
        less = {other: word for other, word in words.items() if other != name}
        with pytest.raises(InputError, match=f"The region mine lacks its {name}: add “{name}”, one of"):
            Region("mine", "mine", shape, slices, **less, parameters=parameters)


@pytest.mark.parametrize(("shape", "slices", "words", "parameters"), VALID)
def test_a_region_takes_nothing_that_it_does_not_use(shape, slices, words, parameters):
    for name in PARAMETERS.keys() - parameters.keys():
        more = parameters | {name: PARAMETERS[name].high}
        with pytest.raises(InputError, match=f"has the value {name}, which its shape and slices do not use: remove it"):
            Region("mine", "mine", shape, slices, **words, parameters=more)
    for name, word in {"part": "body", "side": "left"}.items():
        if name not in words:
            with pytest.raises(InputError, match=f"the {name} “{word}”, which its shape does not use: remove it"):
                Region("mine", "mine", shape, slices, **(words | {name: word}), parameters=parameters)
    if slices != "endplates_and_mid_slice":
        with pytest.raises(InputError, match="the mean “slices”, which needs the slices endplates_and_mid_slice: use"):
            Region("mine", "mine", shape, slices, **(words | {"mean": "slices"}), parameters=parameters)


@pytest.mark.parametrize("name", PARAMETERS)
def test_a_parameter_outside_its_range_is_refused_with_both_limits(name):
    shape, slices, words, parameters = next(one for one in VALID if name in one[3])
    limits = PARAMETERS[name]
    for value in (limits.low, limits.high):
        Region("mine", "mine", shape, slices, **words, parameters=parameters | {name: value})
    for value in (limits.low - 1, limits.high + 1, float("nan")):
        with pytest.raises(InputError, match=f"{name} of the region mine is .*: use"):
            Region("mine", "mine", shape, slices, **words, parameters=parameters | {name: value})
    if limits.integer:
        with pytest.raises(InputError, match=rf"{name} of the region mine is 1\.5: use a whole number"):
            Region("mine", "mine", shape, slices, **words, parameters=parameters | {name: 1.5})


def test_an_unknown_word_is_refused_with_the_known_ones():
    with pytest.raises(
        InputError, match="the shape “square”: use one of largest_circle, largest_ellipse, circle, zone, "
    ):
        Region("mine", "mine", "square")
    with pytest.raises(InputError, match="the slices “all”: use one of mid_slice, around_mid_slice, endplates_and_mid"):
        Region("mine", "mine", "circle", "all", parameters={"area_mm2": 200.0})
    with pytest.raises(InputError, match="the slices “body”: use mask_middle for a region of the shape mask_ellipse"):
        Region("mine", "mine", "mask_ellipse", "body", parameters=PRISM)
    with pytest.raises(InputError, match="the mean “median”: use one of voxels, slices"):
        Region("mine", "mine", "circle", mean="median", parameters={"area_mm2": 200.0})
    with pytest.raises(InputError, match="the part “left”: use one of anterior, body"):
        Region("mine", "mine", "largest_circle", part="left")
    with pytest.raises(InputError, match="the side “middle”: use one of front, left, right"):
        Region("mine", "mine", "zone", side="middle")


@pytest.mark.parametrize(
    "name", ["", "Round", "2nd", "a b", "a-b", "ä", "a" * 41, "a.b", "a\n", "nul", "com1", "midline", "mean"]
)
def test_a_name_that_a_file_or_a_column_cannot_have_is_refused(name):
    with pytest.raises(InputError, match=f"The region name “{name}” cannot be used"):
        Region(name, "mine", "largest_circle", part="body")


def test_the_studys_names_belong_to_its_regions():
    assert tuple(region.name for region in STUDY_REGIONS) == ROIS
    assert all(region.is_of_study for region in STUDY_REGIONS)
    for name in ROIS:
        with pytest.raises(InputError, match=f"The region {name} is not the study's region of this name: define it as"):
            Region(name, name, "circle", parameters={"area_mm2": 200.0})
    with pytest.raises(InputError, match="The region round is not the study's"):
        Region("round", "round", "largest_circle", "around_mid_slice", "anterior", parameters={"half_height_mm": 3.0})


def test_each_shape_can_have_only_slices_that_there_are():
    for shape in SHAPES.values():
        assert set(shape.slices) <= set(SLICE_RULES)
        assert set(shape.parameters) <= set(PARAMETERS)
    assert {name for rule in SLICE_RULES.values() for name in rule} <= set(PARAMETERS)
    assert MEANS == ("voxels", "slices")
