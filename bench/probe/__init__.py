"""Probes: what a frozen encoder knows of single images, told by classifiers on its encodings and by retrieval."""
