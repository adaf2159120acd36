"""Statistics of a cohort: agreement of readers, groups, correlation, ROC, and checks of the study's printed tables.

`agreement` and `kappa` compare readings and classifications. `groups`, `counts`, `repeated`, `correlation`, `roc`,
`cutoff`, `bootstrap` and `predictive` compute the statistics of a cohort; `concordance` and `survival` those of a
time-to-event outcome. `references` defines the classes that HU are compared with, `study` checks the study's printed
tables, and `synthetic` draws an example cohort from them. Each function takes columns of numbers, omits and counts
incomplete rows, and returns a frozen value; it raises `InputError` if the result cannot be computed. `analysis` makes
all tables of a cohort (`cases`), for its mean and for each level, and lists refused results in the table of gaps.
"""
