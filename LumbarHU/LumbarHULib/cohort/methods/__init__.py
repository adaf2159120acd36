"""Methods that measure the same cases, compared in pairs: regions, levels and protocols.

`method` names a method, `measured` holds its HU, `deming` and `passing_bablok` fit lines, `comparison` makes all
tables, and `figures` prepares the figures.
"""
