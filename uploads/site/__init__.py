"""The standalone site: a Django project around the app. Nothing imports it but its own commands."""
