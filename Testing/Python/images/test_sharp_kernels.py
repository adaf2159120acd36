"""Kernels by manufacturer: which are sharp."""

import pytest

from LumbarHULib.images.dicom_facts import is_sharp_kernel


@pytest.mark.parametrize(
    ("manufacturer", "sharp", "standard"),
    [
        (
            "SIEMENS",
            ("B60f", "B70s", "Br64", "Br59d", "Hr68 3", "I70f 2", "Bl57"),
            ("B30f", "B40s", "Br40", "Br38f 3", "Qr40"),
        ),
        ("Siemens Healthineers", ("Br60",), ("Br36",)),
        ("GE MEDICAL SYSTEMS", ("BONE", "BONEPLUS", "LUNG", "EDGE"), ("STANDARD", "SOFT", "DETAIL")),
        ("TOSHIBA", ("FC30", "FC52", "FC81"), ("FC08", "FC13", "FC18")),
        ("CANON_MEC", ("FC30", "LUNG"), ("FC18", "BODY")),
        ("Philips", ("YC", "D", "L", "YA"), ("B", "A", "C", "UB")),
        ("ACME", ("Bone sharp",), ("B60f", "soft")),
        (None, ("LUNG",), ("B",)),
    ],
)
def test_sharp_kernels_are_distinguished_from_standard_ones(manufacturer, sharp, standard):
    assert [kernel for kernel in sharp if not is_sharp_kernel(manufacturer, kernel)] == []
    assert [kernel for kernel in standard if is_sharp_kernel(manufacturer, kernel)] == []


def test_a_missing_kernel_is_not_sharp():
    assert not is_sharp_kernel("SIEMENS", None)
    assert not is_sharp_kernel("SIEMENS", "")
