"""MRML nodes to core values and back, in Slicer and on slicer-core alike; no application, no Qt."""
