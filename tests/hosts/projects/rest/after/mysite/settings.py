UPLOADS["URL_NAMESPACE"] = "v1:uploads"
UPLOADS["AUTHENTICATION_CLASSES"] = [
    "shop.rest.BearerAuthentication",
    "rest_framework.authentication.SessionAuthentication",
]
