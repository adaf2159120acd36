"""The report of one reading, a page that needs nothing but itself, and the page that leads to many of them.

`page` puts it together from `numbers`, `origin` and the drawings of `level_picture`; `words` says the same elsewhere.
Nothing here measures: what changes here alone makes no batch measure again.
"""
