"""A lumbar CT of our own whose every Hounsfield unit is known.

`spines` makes specifications (`demo_spine`, `lumbar_spine`, `upright_spine`), `render` makes a CT of one, and the CT
carries its `truth`.
"""
