"""Read a cohort's table from disk, and write its tables, figures, page and cutoffs."""
