"""The views that are built in, one file each."""
