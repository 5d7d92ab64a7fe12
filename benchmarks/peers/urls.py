"""The peers' routes, and a view that answers what `me` answers without asking anybody."""

from django.conf import settings
from django.urls import include, path
from rest_framework.response import Response
from rest_framework.views import APIView


class Bare(APIView):
    authentication_classes: list[type] = []
    permission_classes: list[type] = []

    def get(self, request):
        return Response({"id": 1, "email": "user0000001@example.com", "first_name": "Ann", "last_name": "Driver"})


urlpatterns = [
    path("bare/", Bare.as_view()),
    path("auth/", include("djoser.urls")),
    path("auth/", include("djoser.urls.jwt")),
]
if settings.SITE == "allauth":
    urlpatterns.append(path("_allauth/", include("allauth.headless.urls")))
