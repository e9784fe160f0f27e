"""The host that makes the app run alone. Nothing imports it."""
