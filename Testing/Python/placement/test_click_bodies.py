"""From clicks to bodies and midlines, held against phantoms that nothing was tuned on."""

from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest
from placement.builders import (
    altered_stack,
    body_errors,
    common_phantom,
    common_stack,
    midline_errors,
    stack_of,
    study_protocol,
    voxels_in_vertebra_mm,
)

from LumbarHULib.core.errors import InputError
from LumbarHULib.phantom.render import render
from LumbarHULib.phantom.spec import VesselSpec
from LumbarHULib.phantom.spines import lumbar_spine
from LumbarHULib.placement.click_bodies import guess_from_click, guesses_between_clicks, guesses_from_clicks
from LumbarHULib.placement.midline import propose_midline

LEVELS = ("L2", "L3", "L4")
FIELD_MM = (96.0, 104.0, 116.0)


def middle(level, phantom=None, off_mm=(0, 0, 0)):
    return np.array((phantom or common_phantom()).spec.vertebra(level).center_ras_mm) + off_mm


def clicks_around(point, count, seed, radius_mm=6.0):
    random = np.random.default_rng(seed)
    directions = random.normal(size=(count, 3))
    lengths = radius_mm * random.random((count, 1)) ** (1 / 3)
    return point + lengths * directions / np.linalg.norm(directions, axis=1, keepdims=True)


def codes(guess):
    return {finding.code for finding in guess.findings}


ODD = {
    "5 mm, contrast, 30 HU": (
        {"aorta": VesselSpec(10.0, 300.0, 62.0, gap_mm=0.5), "trabecular_hu": 150.0, "rotation_deg": -12.0},
        {"slice_mm": 5.0, "noise_hu": 30.0},
    ),
    "osteoporotic, tilted": (
        {"trabecular_hu": 35.0, "cortex_mm": 0.45, "endplate_mm": 0.4, "lordosis": 1.5, "rotation_deg": 11.0},
        {"slice_mm": 1.5, "noise_hu": 25.0},
    ),
    "no posterior wall": ({"foramen_size_mm": (22.0, 14.0, 5.0)}, {"slice_mm": 2.5, "noise_hu": 15.0}),
}


@lru_cache
def odd_phantom(name):
    fields, scan = ODD[name]
    spec = lumbar_spine(LEVELS, pelvis=False, table=False, **fields)
    center = (0.0, -8.0, 0.31)
    return render(spec, 0.8, field_of_view_mm=FIELD_MM, center_ras_mm=center, noise_fwhm_mm=1.0, seed=77, **scan)


def assert_placed(phantom, stack, level, click):
    guess = guess_from_click(stack, level, click, study_protocol())
    proposal = propose_midline(stack, guess, study_protocol())
    vertebra = phantom.spec.vertebra(level)
    height_mm, ends_mm, turned_deg = midline_errors(proposal.midline_ras_mm, vertebra, stack)
    assert height_mm < stack.slice_spacing_mm / 2 + 1.0
    assert ends_mm < 2.0
    assert abs(turned_deg) < 4.0


@pytest.mark.parametrize("level", LEVELS)
def test_clicks_anywhere_near_the_middle_give_the_body(level):
    for click in clicks_around(middle(level), 3, seed=5):
        guess = guess_from_click(common_stack(), level, click, study_protocol())
        off_mm, up_deg, front_deg, size_mm = body_errors(guess, common_phantom().spec.vertebra(level))
        assert np.all(np.abs(off_mm) < (1.0, 1.5, 1.0))
        assert up_deg < 3.0
        assert front_deg < 2.0
        # Heights are measured between the endplates' middles, which the concavity makes lower than the rims.
        assert np.all(np.abs(size_mm - (0, 0, -3.2)) < (3.0, 4.0, 1.5))
        assert not guess.findings


@pytest.mark.parametrize("name", ODD)
def test_odd_bodies_are_placed_as_well(name):
    phantom = odd_phantom(name)
    stack = stack_of(phantom)
    for click in clicks_around(middle("L3", phantom), 2, seed=8):
        assert_placed(phantom, stack, "L3", click)


def test_a_fractured_body_is_placed_in_its_own_middle():
    spec = lumbar_spine(LEVELS, pelvis=False, table=False)
    upper, fractured, lower = spec.vertebrae
    spec = replace(spec, vertebrae=(upper, replace(fractured, height_mm=17.0), lower))
    phantom = render(spec, 0.8, 2.0, field_of_view_mm=FIELD_MM, center_ras_mm=(0, -8, 0), noise_hu=15.0, seed=5)
    stack = stack_of(phantom)
    for click in clicks_around(middle("L3", phantom), 2, seed=9, radius_mm=4.0):
        assert_placed(phantom, stack, "L3", click)


def test_clicks_far_apart_in_one_body_give_one_midline():
    midlines = [
        propose_midline(
            common_stack(), guess_from_click(common_stack(), "L3", click, study_protocol()), study_protocol()
        ).midline_ras_mm
        for click in clicks_around(middle("L3"), 4, seed=3)
    ]
    assert np.ptp(midlines, axis=0).max() < 0.5


def test_levels_come_from_cranial_to_caudal_whatever_the_order_of_clicks():
    clicks = {level: middle(level, off_mm=(1, -2, 3)) for level in ("L4", "L2", "L3")}
    assert [guess.level for guess in guesses_from_clicks(common_stack(), clicks, study_protocol())] == list(LEVELS)


def test_two_clicks_fill_in_the_level_between_and_say_so():
    clicks = {"L4": middle("L4", off_mm=(2, 1, -3)), "L2": middle("L2", off_mm=(-2, 2, 3))}
    guesses = guesses_between_clicks(common_stack(), clicks, study_protocol())
    assert [guess.level for guess in guesses] == list(LEVELS)
    assert [codes(guess) for guess in guesses] == [set(), {"level_filled_in"}, set()]
    assert np.linalg.norm(guesses[1].center_ras_mm - middle("L3")) < 2.0


def test_more_levels_than_bodies_between_two_clicks_are_refused():
    clicks = {"L1": middle("L2"), "L4": middle("L4")}
    with pytest.raises(InputError, match=r"could not be filled in \([^:]*\): click each level\.$"):
        guesses_between_clicks(common_stack(), clicks, study_protocol())


def test_two_clicks_in_one_body_are_refused():
    clicks = {"L2": middle("L3", off_mm=(0, 0, 4)), "L3": middle("L3", off_mm=(0, 0, -4))}
    with pytest.raises(InputError, match=r"^The points of L2 and L3 are in the same vertebral body"):
        guesses_from_clicks(common_stack(), clicks, study_protocol())


def test_a_click_in_a_disc_is_refused():
    clicks = {"L2": middle("L2"), "L3": (middle("L2") + middle("L3")) / 2}
    with pytest.raises(InputError, match=r"^The point of L3 is (not in a visible vertebral body|\d+ mm (above|below))"):
        guesses_from_clicks(common_stack(), clicks, study_protocol())


def test_clicks_named_from_bottom_to_top_are_refused():
    clicks = {"L2": middle("L4"), "L3": middle("L3")}
    with pytest.raises(InputError, match=r"^L2 is \d+ mm below L3"):
        guesses_from_clicks(common_stack(), clicks, study_protocol())


def test_a_click_outside_the_scan_is_refused():
    with pytest.raises(InputError, match=r"^The point of L3 is outside the CT"):
        guess_from_click(common_stack(), "L3", middle("L3", off_mm=(0, 0, 500)), study_protocol())


def test_a_body_that_the_scan_cuts_off_is_refused_not_guessed():
    top = middle("L2")[2] + 6
    spec = common_phantom().spec
    phantom = render(
        spec, 0.8, 2.5, field_of_view_mm=(110, 110, 80), center_ras_mm=(0, -8, top - 40), noise_hu=10.0, seed=2
    )
    with pytest.raises(InputError, match=r"The scan ends .* L2, before its upper endplate"):
        guess_from_click(stack_of(phantom), "L2", middle("L2", off_mm=(0, 0, -3)), study_protocol())


def test_a_click_far_from_the_middle_gets_a_finding_and_a_near_one_does_not():
    far = guess_from_click(common_stack(), "L3", middle("L3", off_mm=(6.5, 6.5, 2)), study_protocol())
    near = guess_from_click(common_stack(), "L3", middle("L3", off_mm=(4, 4, 2)), study_protocol())
    assert "click_off_center" in codes(far)
    assert "click_off_center" not in codes(near)


@pytest.mark.parametrize("what", ["endplates", "walls"])
def test_edges_worn_away_on_half_their_extent_get_a_finding(what):
    vertebra = common_phantom().spec.vertebra("L3")
    x_mm, y_mm, z_mm = voxels_in_vertebra_mm("L3")
    if what == "endplates":
        is_worn = (np.floor(x_mm / 5) + np.floor(y_mm / 5)) % 2 < 1
        worn = is_worn & (np.abs(np.abs(z_mm) - vertebra.height_mm / 2 + 1) < 4)
    else:
        from_axis = np.hypot(x_mm / (vertebra.width_mm / 2), y_mm / (vertebra.depth_mm / 2))
        worn = (np.abs(z_mm) < 10) & (from_axis > 0.75) & (from_axis < 1.3) & (x_mm > 0)
    guess = guess_from_click(altered_stack(worn, 100), "L3", middle("L3"), study_protocol())
    assert codes(guess) == {f"{what}_faint"}
