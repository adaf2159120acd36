"""A lumbar CT of our own whose every Hounsfield unit is known."""
