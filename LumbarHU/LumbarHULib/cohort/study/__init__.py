"""Check the study's printed tables for consistency, and compare a cohort with them."""
