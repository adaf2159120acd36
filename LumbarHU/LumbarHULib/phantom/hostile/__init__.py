"""Phantoms of single vertebrae in surroundings that mislead an outline finder, with their true outlines.

They are modeled on anatomy, real CTs and hand tracings, independently of the outline finder.
"""
