"""Shortcut audit of a domain: eight baselines that must stay at chance, and checks of what was drawn."""
