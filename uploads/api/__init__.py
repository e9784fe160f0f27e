"""The glass door: HTTP in, services, JSON out. DRF is known here (and in `companion`) alone."""
