DATABASES["default"]["ATOMIC_REQUESTS"] = True
REST_FRAMEWORK = {
    "EXCEPTION_HANDLER": "shop.errors.handler",
    "DEFAULT_PAGINATION_CLASS": "shop.rest.Pages",
    "DEFAULT_RENDERER_CLASSES": ["shop.rest.Renderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.FormParser"],
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "shop.rest.BearerAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAdminUser"],
    "DEFAULT_THROTTLE_CLASSES": ["shop.rest.NoRequests"],
    "DEFAULT_VERSIONING_CLASS": "rest_framework.versioning.AcceptHeaderVersioning",
    "ALLOWED_VERSIONS": ["7"],
    "DEFAULT_VERSION": "7",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}
