"""Several readings of one patient at different dates become changes, judged by the least significant change."""
