"""What the HTTP layers `api` and `companion` share: parsers, problems, throttles, permissions."""
