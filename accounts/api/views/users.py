"""User administration."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from accounts.api.filters import UserFilter
from accounts.api.serializers.fields import FrontendSerializer
from accounts.api.serializers.users import (
    DirectoryUserSerializer,
    LockSerializer,
    StaffPasswordSerializer,
    UserChangeSerializer,
    UserCreateSerializer,
)
from accounts.api.views.base import NO_CONTENT, client_in_body, has_json, offer_own_data, validated_with_client
from accounts.exceptions import (
    LastSuperuserException,
    OwnAccountException,
    PasswordReusedException,
    ServiceAccountException,
    UserAlreadyExistsException,
    UserNotFoundException,
    WeakPasswordException,
)
from accounts.models import User
from accounts.models.users import UserQuerySet, signed_in_user
from accounts.services.account import attributes, password_change, password_reset
from accounts.services.staff import changes as staff_changes
from accounts.services.staff import directory, exports, protections, users
from accounts.services.staff.directory import UserRow
from foodfleet.core.exceptions import ConflictException, NotFoundException
from foodfleet.core.http.clients import client_of
from foodfleet.core.http.lists.csv_export import FORMAT, CSVExportMixin, csv_response
from foodfleet.core.http.lists.pagination import PARAMETERS, CompiledPages, requested_page
from foodfleet.core.http.schema import raises
from foodfleet.core.http.serializers import validated
from rbac.api.guards import ActionPermission, action_of
from rbac.exceptions import SuperusersOnlyException
from rbac.services import decisions, graph

_EVERYBODY = CompiledPages(directory.rows, UserRow._make, now=datetime)


class UserViewSet(CSVExportMixin, GenericViewSet[User]):
    """Find, add, change, lock and delete users."""

    permission_classes = [ActionPermission]
    access_resource = "users"
    access_actions = {"unlock": "lock", "invite": "create", "password_link": "update", "set_password": "update"}
    scoped_actions = frozenset({"list", "retrieve", "partial_update", "lock", "unlock"})
    serializer_class = DirectoryUserSerializer
    queryset = User.objects.none()
    filterset_class = UserFilter
    ordering = "-id"
    ordering_fields = ("id", "email", "last_name", "created_at")

    def get_queryset(self) -> UserQuerySet:
        visible = User.objects.present().visible_to(self.request.user, f"users:{action_of(self, self.action)}")
        now = timezone.now()
        found: UserQuerySet = visible.with_locks(now).with_role_ids(now)
        return found

    def user_response(self, pk: int, code: int = status.HTTP_200_OK) -> Response:
        """Return the response with the saved user."""
        user = self.get_queryset().filter(pk=pk).first()
        if user is None:
            raise UserNotFoundException
        return Response(_represented([user])[0], status=code)

    @raises(NotFoundException)
    @extend_schema(parameters=[FORMAT])
    def list(self, request: Request) -> Any:
        """List users, with search, filters and order; `?format=csv` downloads all people that match as one file.

        `attributes.<name>=<value>` filters by a custom attribute, such as `?attributes.shift=night`.
        """
        is_json = request.accepted_renderer.format == "json"
        access = decisions.access_of(request.user)  # before the check: who loses a permission in between gets no repeat
        if is_json and request.query_params.keys() <= PARAMETERS and decisions.has(request.user, "users:read"):
            return self._everybody(request, access)
        found = self.get_queryset().with_attributes(attributes.filters(request.query_params.dict()))
        if request.accepted_renderer.format == "csv":
            names = [name for name in request.query_params if name != "format"]
            rows = exports.rows_for_staff(found=self.matching(found), filters=names, **self._by(request))
            return csv_response("users.csv", exports.STAFF_COLUMNS, rows)
        page: Any = self.paginate_queryset(self.filter_queryset(found))
        return self.get_paginated_response(_represented(page or []))

    @raises(UserNotFoundException)
    def retrieve(self, request: Request, pk: int) -> Response:
        """Return a user."""
        return self.user_response(pk)

    @raises(UserAlreadyExistsException, WeakPasswordException, SuperusersOnlyException)
    @extend_schema(request=UserCreateSerializer, responses={201: DirectoryUserSerializer})
    def create(self, request: Request) -> Response:
        """Create a user with a password, or invite them by e-mail to choose one."""
        values, client = validated_with_client(request, UserCreateSerializer)
        user = users.create(new=users.NewAccount(**values), actor=signed_in_user(request), client=client)
        return self.user_response(user.pk, status.HTTP_201_CREATED)

    @raises(
        UserNotFoundException,
        SuperusersOnlyException,
        OwnAccountException,
        LastSuperuserException,
        ServiceAccountException,
        UserAlreadyExistsException,
        ConflictException,
    )
    @extend_schema(request=UserChangeSerializer)
    def partial_update(self, request: Request, pk: int) -> Response:
        """Change the given fields. Only superusers may change the staff flags."""
        values, client = validated_with_client(request, UserChangeSerializer)
        changes = staff_changes.UserChanges(**values)
        staff_changes.update(pk=pk, changes=changes, actor=signed_in_user(request), client=client)
        return self.user_response(pk)

    @raises(UserNotFoundException, SuperusersOnlyException, OwnAccountException, LastSuperuserException)
    @extend_schema(responses={204: NO_CONTENT})
    def destroy(self, request: Request, pk: int) -> Response:
        """Delete the user with all personal data."""
        users.delete(pk=pk, **self._by(request))
        return Response(status=status.HTTP_204_NO_CONTENT)

    @raises(UserNotFoundException, SuperusersOnlyException, OwnAccountException, LastSuperuserException)
    @extend_schema(request=LockSerializer)
    def lock(self, request: Request, pk: int) -> Response:
        """Lock the account until it is unlocked; every session ends. The body may give a reason."""
        # The body is optional, and older clients may send one that is not JSON.
        given = validated(request, LockSerializer) if has_json(request) else {}
        users.lock(pk=pk, **given, **self._by(request))
        return self.user_response(pk)

    @raises(UserNotFoundException, SuperusersOnlyException)
    @extend_schema(request=None)
    def unlock(self, request: Request, pk: int) -> Response:
        """Unlock the account, whether staff or wrong passwords locked it."""
        users.unlock(pk=pk, **self._by(request))
        return self.user_response(pk)

    @raises(UserNotFoundException, SuperusersOnlyException, ConflictException)
    @extend_schema(request=FrontendSerializer)
    def invite(self, request: Request, pk: int) -> Response:
        """Send another invitation to a user who has not accepted the first."""
        users.invite(pk=pk, actor=signed_in_user(request), client=client_in_body(request))
        return self.user_response(pk)

    @raises(UserNotFoundException, SuperusersOnlyException, ConflictException)
    @extend_schema(request=FrontendSerializer, responses={202: NO_CONTENT})
    def password_link(self, request: Request, pk: int) -> Response:
        """Send the user a link to choose a new password; 409 if the address is unconfirmed or the account inactive."""
        password_reset.mail_link_for(pk=pk, actor=signed_in_user(request), client=client_in_body(request))
        return Response(status=status.HTTP_202_ACCEPTED)

    @raises(
        UserNotFoundException,
        SuperusersOnlyException,
        OwnAccountException,
        ServiceAccountException,
        WeakPasswordException,
        PasswordReusedException,
    )
    @extend_schema(request=StaffPasswordSerializer, responses={204: NO_CONTENT})
    def set_password(self, request: Request, pk: int) -> Response:
        """Set the user's password, or with null disable it; every session ends. Only for superusers."""
        new = validated(request, StaffPasswordSerializer)["password"]
        password_change.replace_for(user=protections.find(pk), new=new, **self._by(request))
        return Response(status=status.HTTP_204_NO_CONTENT)

    def _everybody(self, request: Request, access: decisions.Access) -> Response:
        wanted = requested_page(request, self, User)

        def content() -> dict[str, Any]:
            page = _EVERYBODY.page(wanted, now=timezone.now())
            return page.content(_represented(page.rows))

        offer_own_data(request, access, content)
        return Response(content())

    @staticmethod
    def _by(request: Request) -> dict[str, Any]:
        return {"actor": signed_in_user(request), "client": client_of(request)}


def _represented(page: Sequence[Any]) -> Any:
    return DirectoryUserSerializer(page, many=True, context={"roles": graph.latest()}).data
