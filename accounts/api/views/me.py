"""One's own data."""

from rest_framework import generics
from rest_framework.permissions import IsAuthenticated

from accounts.api import serializers
from accounts.models import User


class MeView(generics.RetrieveUpdateAPIView[User]):
    """One's own data."""

    http_method_names = ["get", "patch", "head", "options"]
    serializer_class = serializers.MeSerializer
    permission_classes = [IsAuthenticated]

    def get_object(self) -> User:
        user: User = self.request.user  # type: ignore[assignment]
        return user
