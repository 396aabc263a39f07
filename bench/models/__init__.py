"""Stored models: kept by a sweep, and used without training anything again."""
