INSTALLED_APPS += ["library.apps.LibraryConfig"]
