"""A cohort on disk: its table in; its tables, figures, page and cutoffs out."""
