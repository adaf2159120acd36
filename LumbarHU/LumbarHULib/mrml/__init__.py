"""Convert MRML nodes to core values and back, in Slicer and with slicer-core alike, without application or Qt."""
