"""What schemathesis does before each request. It loads this module in an environment of its own."""

from typing import Any
from uuid import UUID

import schemathesis

NO_UPLOAD = str(UUID(int=0))


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: dict[str, Any]) -> None:
    """No empty part of a path: `/uploads//` is another route than `/uploads/{id}/`, with other answers.

    Where one request follows from another, `upload_id` is taken for an id. It is empty for a file in one request.
    """
    for name, value in case.path_parameters.items():
        if value == "":
            case.path_parameters[name] = NO_UPLOAD
