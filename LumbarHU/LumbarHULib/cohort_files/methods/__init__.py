"""A comparison of methods from its tables to its folder."""
