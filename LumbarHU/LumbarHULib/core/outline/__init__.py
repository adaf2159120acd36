"""The outer edge of the vertebral body in the mid-slice: searched, fitted, or as a reader drew it.

`model` holds the finder's parameters and what it returns, `profiles` the HU across an edge. `search` finds the edge and
`refine` fits it, both on closed splines (`curve`, `path`); `fit` does the whole in one plane. `outline` is the curve in
a level's frame, and `level` makes one level's outline.
"""
