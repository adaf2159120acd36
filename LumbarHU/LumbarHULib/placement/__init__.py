"""From a segmentation, or one point in each body, to midlines: proposals that a reader sees, corrects and signs."""
