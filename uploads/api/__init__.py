"""The HTTP API under /api/: each view reads a request, calls one service and writes the answer."""
