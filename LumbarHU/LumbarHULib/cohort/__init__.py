"""Many results → agreement of readers, groups, correlation, ROC, and the study's own tables checked.

`agreement` and `kappa` compare readings and classifications; `groups`, `counts`, `repeated`, `correlation`, `roc`,
`cutoff`, `bootstrap` and `predictive` do the statistics of a cohort; `check` and `simulation` look at the
study's printed tables, and `synthetic` draws an example cohort to them. Each function takes columns of numbers, leaves
out incomplete rows and says how many, and returns a frozen value; what cannot be computed is refused with an
`InputError`. `analysis` makes all tables of a cohort (`cases`) of them, and leaves out by name what is refused.
"""
