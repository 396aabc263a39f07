"""Tuning: as many trials of the same recipes for every fusion, chosen on validation, tested on fresh replicates."""
