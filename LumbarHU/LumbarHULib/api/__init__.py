"""The Python API behind the package `lumbarhu`: a CT and its midlines in, numbers, label maps and audit folders out."""
