"""The outer edge of the vertebral body in the mid-slice: searched, fitted, or drawn by a reader.

`model` has the parameters and the result of the search, `profiles` the HU across an edge. `search` finds the edge and
`refine` fits it, both on closed splines (`curve`, `path`); `fit` combines them in one plane. `outline` is the curve in
a level's frame, and `level` returns the outline of one level.
"""
