"""The backend as a model: random runs of the real services, stopped and crashed between any two of their steps."""
