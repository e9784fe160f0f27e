"""What both entry points do once the code is loaded."""

import gc
from importlib import import_module

from django.conf import settings


def exempt_code_from_collection() -> None:
    """Load the views too, and take what is loaded by now out of Python's garbage collection.

    A full collection looks at every object while all threads of the process wait. The code alone has more than a
    hundred thousand, none of which is ever released.
    """
    import_module(settings.ROOT_URLCONF)
    gc.collect()
    gc.freeze()
