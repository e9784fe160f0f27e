"""Requests that schemathesis makes from the OpenAPI schema: `make abuse`."""
