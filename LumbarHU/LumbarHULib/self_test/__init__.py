"""A walk through the real panel with synthetic mouse events, as *Reload and Test* runs it in Slicer."""
