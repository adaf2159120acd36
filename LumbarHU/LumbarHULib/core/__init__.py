"""One CT and one set of markups become numbers: numpy and scipy, nothing else."""
