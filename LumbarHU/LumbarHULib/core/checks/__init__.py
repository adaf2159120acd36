"""Checks that make findings: on the scan, on a level and its position, and on levels compared with each other.

`reading` runs the checks that take too long for a drag; the codes and their meanings are in `core/findings.py`.
"""
