"""The regions of interest of any protocol: their definitions, and their voxels in a level."""
