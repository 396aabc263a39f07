"""Shortcut audit of a domain: baselines that must stay at chance, and checks of what was drawn."""
