"""The study's printed tables: which of their numbers agree with each other, and what a cohort is compared with."""
