"""Uploads without end while everything around them fails, and then the reckoning: docs/chaos.md."""
