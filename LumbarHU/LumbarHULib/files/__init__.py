"""CT files, audit folders, CSV and JSON: what LumbarHU reads from and writes to disk."""
