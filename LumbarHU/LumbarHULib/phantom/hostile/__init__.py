"""Single slices of vertebrae in surroundings that mislead an outline finder, with their true outlines.

They were made from anatomy, real CTs and hand tracings, without a look at how the outline is found.
"""
