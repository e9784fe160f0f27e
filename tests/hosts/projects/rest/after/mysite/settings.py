UPLOADS["URL_NAMESPACE"] = "v1:uploads"
