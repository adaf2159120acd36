"""File formats that the other packages share: atomic folders, CSV, JSON, HTML, markups, protocol and cutoffs."""
