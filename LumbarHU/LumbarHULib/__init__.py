"""LumbarHU: Hounsfield units of five regions in the lumbar vertebrae, measured so that every number can be audited."""

__version__ = "0.1.0"
