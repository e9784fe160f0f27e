"""For operators: the doctor, the bucket's configuration, health and metrics."""
