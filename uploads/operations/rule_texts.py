"""The rules of a bucket as lines, to show and to compare. Rule: pure."""

from uploads.oss import lifecycle, overwrite
from uploads.oss.cors import CorsConfiguration


def describe_cors(configuration: CorsConfiguration) -> list[str]:
    """The rules as lines, to show and to compare."""
    lines: list[str] = []
    for rule in configuration.rules:
        lines += [
            f"rule for {', '.join(rule.allowed_origins)}",
            f"    methods: {', '.join(rule.allowed_methods)}",
            f"    request headers: {', '.join(name.lower() for name in rule.allowed_headers) or 'none'}",
            f"    exposed headers: {', '.join(rule.expose_headers) or 'none'}",
            f"    preflight cache: {rule.max_age_seconds or 0} s",
        ]
    return lines


def describe_lifecycle(document: bytes | None) -> list[str]:
    """The rules as lines, to show and to compare; none for a bucket without a document."""
    if document is None:
        return []
    lines: list[str] = []
    for rule in sorted(lifecycle.read(document), key=lambda rule: rule.id):
        lines.append(f"rule {rule.id} for {rule.prefix or 'all keys'}: {', '.join(rule.actions)}")
        if rule.abort and rule.abort.days is not None:
            lines.append(f"    multipart uploads aborted after {rule.abort.days} days")
        if rule.expiration and rule.expiration.days is not None:
            lines.append(f"    objects deleted after {rule.expiration.days} days")
        if not rule.enabled:
            lines.append("    disabled")
    return lines


def describe_overwrite(document: bytes | None) -> list[str]:
    """The rules as lines, to show and to compare; none for a bucket without a document."""
    if document is None:
        return []
    return [
        f"rule {rule.id}: no overwriting of {rule.prefix or 'all keys'}"
        + (f" that end in {rule.suffix}" if rule.suffix else "")
        + (f" by {', '.join(rule.principals)}" if rule.principals else "")
        for rule in sorted(overwrite.read(document), key=lambda rule: rule.id)
    ]
