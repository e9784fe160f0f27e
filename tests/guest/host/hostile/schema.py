from rest_framework.schemas.inspectors import ViewInspector


class Schema(ViewInspector):
    """Of some other generator of schemas."""
