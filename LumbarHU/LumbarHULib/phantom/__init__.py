"""Synthetic lumbar CTs with known Hounsfield units everywhere.

`spines` makes specifications (`demo_spine`, `lumbar_spine`, `upright_spine`), `render` makes a CT from a specification,
and the CT includes its `truth`.
"""
