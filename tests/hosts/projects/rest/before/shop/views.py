from django.http import Http404
from rest_framework.decorators import api_view, permission_classes
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response


@api_view()
@permission_classes([AllowAny])
def article(request: Request, number: int) -> Response:
    if number == 0:
        raise Http404("No article 0")
    return Response({"number": number})
