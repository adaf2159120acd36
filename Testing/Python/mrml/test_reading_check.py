import pytest
from mrml.conftest import DOCUMENTS

from LumbarHULib.core.errors import InputError
from LumbarHULib.mrml.reading import create_reading, exclude_level
from LumbarHULib.mrml.reading_check import problem_of, require_usable, usable_readings
from LumbarHULib.mrml.reading_lifecycle import reopen, sign_off

_ORIGIN = '"kind":"manual","corrected_mm":0,"corrected_deg":0,"points_ras_mm":[]'


def test_an_edited_reading_is_usable(reading, measurer, scene):
    measurer.measure()
    exclude_level(reading, "L2", "fracture")
    sign_off(reading, "A", "now")
    reopen(reading, "A", "later", "a reason")
    assert problem_of(reading) == ""
    assert usable_readings(scene) == ((reading,), ())


@pytest.mark.parametrize(
    ("name", "text"),
    [
        *[(name, "{") for name in ("scan_facts", "scan_findings", "exclusions", "history", "blinded", "skipped")],
        *[("scan_facts", text) for text in ("[]", "3", '{"no_such_fact":1}', '{"tube_voltage_kv":"many"}')],
        *[("exclusions", text) for text in ("[1]", '{"L9":"metal"}', '{"L1":2}')],
        *[("history", text) for text in ("{}", '[{"what":"signed off"}]', "[3]")],
        *[("protocol", text) for text in ("", "{}", "[", '{"schema":"lumbarhu-protocol-1"}')],
        *[("cutoffs", text) for text in ("", "{}", "[")],
        *[("schema", text) for text in ("one", "null", '"1"')],
        *[("number", text) for text in ("", "-1", "0", "first")],
        ("ordinal", ""),
        ("reader", " "),
        ("uid", ""),
        ("accepts_off_protocol", '"yes"'),
        ("skipped", '["L7"]'),
        ("origin L1", '{"kind":"manual"}'),
        ("origin L1", '["findings"]'),
        ("origin L1", f'{{{_ORIGIN},"findings":[{{"code":"x"}}]}}'),
        ("origin L1", f'{{{_ORIGIN},"ends":["snapped"]}}'),
        ("origin L1", f"{{{_ORIGIN.replace('[]', '[[1,2]]')}}}"),
        ("written L1-outline", "7"),
        *[("accepted L1", text) for text in ("7", "[1]", "[[1,2],[3,4]]", '[["a","b","c"]]')],
    ],
)
def test_a_damaged_reading_is_reported_in_one_sentence_and_the_others_stay_usable(ct_node, reading, scene, name, text):
    sound = create_reading(ct_node, "B", *DOCUMENTS)
    reading.node.SetParameter(name, text)
    if name == "schema" and not text:
        return
    usable, problems = usable_readings(scene)
    assert usable == (sound,)
    (problem,) = problems
    parameter = "notes" if name.startswith(("origin", "written", "accepted")) else name
    assert f"its parameter “{parameter}” in the scene is damaged" in problem
    assert problem.count(". ") == 0
    with pytest.raises(InputError, match="damaged"):
        require_usable(reading)


def test_a_damaged_reading_does_not_prevent_a_new_one(ct_node, reading):
    for name in ("number", "ordinal", "protocol", "history", "exclusions"):
        reading.node.SetParameter(name, "?")
    assert create_reading(ct_node, reading.reader, *DOCUMENTS).number == 1


def test_a_reading_of_a_newer_version_is_not_usable(reading, scene):
    reading.keep("schema", 2)
    assert usable_readings(scene)[0] == ()
    assert "newer version" in usable_readings(scene)[1][0]
