"""The table of classes (class_table) says what its signs mean, and whether the regions disagree."""

from dataclasses import replace

from LumbarHULib.audit.report.words import agreement_sentence


def test_signs_have_a_heading_and_regions_that_disagree_a_line(driver):
    from LumbarHULib.self_test.synthetic_mouse import settle

    driver.start_reading()
    driver.place()
    session, label = driver.session, driver.ui.huAgreementLabel
    heading = driver.ui.huSummaryTable.horizontalHeaderItem(2)
    assert heading.text() == "Certain?"
    assert "≈ the mean is near a cutoff, ✓ it is far enough from both" in heading.toolTip()
    table = driver.ui.huSummaryTable
    hints = [table.horizontalHeaderItem(column).toolTip() for column in range(table.columnCount)]
    assert [hint for hint in hints if not hint.startswith("<p>")] == []  # plain text is one line, wider than the panel
    assert table.horizontalHeaderItem(3).text().startswith("HU scale\n")
    result = session.result
    for means_hu in ((300, 300, 300, 300, 300), (300, 130, 300, 10, 300)):
        names = ["normal" if hu == 300 else "osteoporosis" if hu == 10 else "osteopenia" for hu in means_hu]
        summaries = [replace(of, class_name=name) for of, name in zip(result.summaries, names, strict=True)]
        session.result = replace(result, summaries=tuple(summaries))
        session.tell()
        settle()
        counts = session.result.class_counts
        assert label.text == (agreement_sentence(session.result.summaries) if len(counts) > 1 else "")
        assert label.visible == (len(counts) > 1)
    assert label.text == "The 5 regions do not agree: 3 normal, 1 osteopenia, 1 osteoporosis."


def test_strips_and_the_sentence_below_them_fit_the_width_that_the_table_has_now(driver):
    import qt
    import slicer

    from LumbarHULib.panel.class_table import STRIP, STRIP_MARGIN_PX
    from LumbarHULib.self_test.synthetic_mouse import settle

    driver.start_reading()
    driver.place(["L1"])
    ui, result = driver.ui, driver.session.result
    names = ("normal", "osteopenia", "osteoporosis", "osteopenia", "osteoporosis")
    summaries = [replace(of, class_name=name) for of, name in zip(result.summaries, names, strict=True)]
    driver.session.result = replace(result, summaries=tuple(summaries))
    driver.session.tell()
    table, label = ui.huSummaryTable, ui.huAgreementLabel
    widths = set()
    for width_px, height_px in ((700, 900), (400, 900), (560, 500), (400, 500)):
        slicer.util.mainWindow().resize(width_px, height_px)
        settle()
        widths.add(table.iconSize.width())
        assert table.iconSize.width() == table.columnWidth(STRIP) - STRIP_MARGIN_PX
        top, bottom = (one.mapTo(ui.huHeadFrame, qt.QPoint(0, 0)).y() for one in (label, table))
        assert top >= bottom + table.height
        assert label.height >= label.heightForWidth(label.width)
    assert len(widths) == 3
