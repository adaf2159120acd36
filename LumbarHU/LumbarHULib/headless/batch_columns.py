"""The columns of a batch's table, CASES.csv."""

# What a row measures from; it fills one of them.
SOURCES = ("markups", "seeds", "segmentation")
COLUMNS = (
    "case",
    "ct",
    *SOURCES,
    "segment",
    "fill_levels",
    "levels",
    "exclude",
    "reader",
    "reading",
    "ct_date",
    "calibration",
)
