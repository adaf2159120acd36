"""Many results → agreement of readers, groups, correlation, ROC, and the study's own tables checked.

`agreement` and `kappa` compare readings and classifications; `groups`, `counts`, `repeated`, `correlation`, `roc`,
`cutoff`, `bootstrap` and `predictive` do the statistics of a cohort, `concordance` and `survival` those of an outcome
in the course of time; `references` are what HU are compared with; `study` looks at the study's printed tables, and
`synthetic` draws an example cohort to them. Each function takes columns of numbers, leaves
out incomplete rows and says how many, and returns a frozen value; what cannot be computed is refused with an
`InputError`. `analysis` makes all tables of a cohort (`cases`) of them, for its mean and for each level, and names what
is refused in the table of gaps.
"""
