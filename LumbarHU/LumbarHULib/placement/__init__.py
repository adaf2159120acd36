"""Propose midlines from a segmentation or from one point in each vertebral body, for a reader to check and sign off."""
