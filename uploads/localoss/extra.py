"""The packages that the server needs on top of the app: the extra `localoss`."""

from importlib.util import find_spec

MODULES = ("gunicorn", "imagesize", "multipart")


def missing_packages() -> str:
    """What is not installed and how to install it, in one sentence; "" when nothing is missing."""
    missing = [name for name in MODULES if find_spec(name) is None]
    if not missing:
        return ""
    return f"The local OSS server needs {', '.join(missing)}: pip install 'oss-uploads[localoss]'."


def missing_pillow() -> str:
    """The same for image processing alone, which needs Pillow."""
    if find_spec("PIL") is not None:
        return ""
    return "Image processing by the local OSS needs Pillow: pip install 'oss-uploads[localoss]'."
