"""The same services in the shapes that Uppy's Companion speaks. DRF is known here and in `api` alone."""
