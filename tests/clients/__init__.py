"""Clients that generators make of the API's OpenAPI schema."""
