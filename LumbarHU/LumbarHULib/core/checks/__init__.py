"""What makes a number doubtful: of the scan, of a level and its place, of levels beside each other.

`reading` asks all that takes too long for a drag; the codes and their meanings are in `core/findings.py`.
"""
