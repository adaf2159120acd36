"""What every other room reads or writes with: whole folders, CSV, JSON, HTML, markups, protocol and cutoffs."""
