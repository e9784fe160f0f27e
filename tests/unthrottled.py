"""The standalone site's settings without limits to requests a minute: a benchmark asks more than any user."""

from tests.site_settings import *  # noqa: F403
from uploads.conf import DEFAULT_THROTTLES
from uploads.site.settings import UPLOADS

UPLOADS["THROTTLES"] = dict.fromkeys(DEFAULT_THROTTLES, "")
