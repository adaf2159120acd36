"""The panel's sections; with LumbarHU.py the only place that sees Qt and the application."""
