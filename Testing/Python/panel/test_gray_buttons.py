"""A button that cannot be pressed says in its tooltip what is missing, whatever the panel shows."""

import xml.etree.ElementTree as ElementTree

_BUTTONS = ("QPushButton", "QToolButton", "ctkPushButton")
# The large button's own text is what comes next; reopening is shown for signed readings only, where it can be pressed.
_SPEAK_FOR_THEMSELVES = {"huNextStepButton", "huReopenButton"}


def mute_buttons(ui, hints) -> list[str]:
    """Return the gray buttons whose tooltip says only what they would do."""
    gray = [name for name in hints if not getattr(ui, name).enabled and name not in _SPEAK_FOR_THEMSELVES]
    assert gray
    return [name for name in gray if hint_of(getattr(ui, name)) in ("", hints[name])]


def hint_of(button) -> str:
    """Return a tooltip without the paragraph that lets Qt wrap its lines."""
    return button.toolTip.removeprefix("<p>").removesuffix("</p>")


def test_every_gray_button_says_what_is_missing(driver, repository):
    import slicer

    from LumbarHULib.self_test.synthetic_mouse import settle

    form = ElementTree.parse(repository / "LumbarHU" / "Resources" / "UI" / "LumbarHU.ui")
    hints = {
        widget.get("name"): widget.findtext("property[@name='toolTip']/string")
        for widget in form.iter("widget")
        if widget.get("class") in _BUTTONS
    }
    ui, panel = driver.ui, driver.panel
    ui.huMethodsSection.collapsed = False
    assert mute_buttons(ui, hints) == []
    ui.huCaseEdit.text = "7"
    driver.start_reading()
    assert mute_buttons(ui, hints) == []
    driver.place(["L1", "L2"])
    assert mute_buttons(ui, hints) == []
    panel.next_step.take()
    assert not driver.session.reading.is_signed_off  # L3 and L4 are wanted
    panel.placing.cancel()
    panel.keep.on_sign()
    assert driver.session.reading.is_signed_off
    assert mute_buttons(ui, hints) == []
    assert "signed off" in hint_of(ui.huPlaceButton)
    slicer.mrmlScene.Clear(0)
    settle()
    assert mute_buttons(ui, hints) == []
    assert hint_of(ui.huPlaceButton) == "Start a reading first."
    assert hint_of(ui.huNewReadingButton) == "Load or choose a CT first."


def test_a_section_that_is_opened_grays_no_button_that_could_be_pressed_before(driver):
    closed = [section for section in driver.widget.parent.findChildren("ctkCollapsibleButton") if section.collapsed]
    assert {"huMethodsSection", "huRodsSection"} <= {section.name for section in closed}
    buttons = [button for kind in ("QPushButton", "QToolButton") for button in driver.widget.parent.findChildren(kind)]
    before = {button.name for button in buttons if button.enabled}
    assert "huMethodsRunButton" not in before
    for section in closed:
        section.collapsed = False
    assert before - {button.name for button in buttons if button.enabled} == set()
