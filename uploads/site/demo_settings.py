"""Settings of the demo where DEMO_HOST lets other machines reach it: those of the site, and the address it is under."""

from uploads.site.settings import *  # noqa: F403
from uploads.site.settings import MIDDLEWARE as SITE_MIDDLEWARE

MIDDLEWARE = ["uploads.site.demo_address.FollowAddress", *SITE_MIDDLEWARE]
USE_X_FORWARDED_HOST = True
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
