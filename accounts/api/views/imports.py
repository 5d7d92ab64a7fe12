"""Imports of users."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.serializers.imports import ImportInSerializer, ImportSerializer
from accounts.models.users import signed_in_user
from accounts.services.staff import imports
from foodfleet.core.http.bodies.parsers import StrictMultiPartParser
from foodfleet.core.http.clients import client_of
from foodfleet.core.http.schema import raises
from foodfleet.core.http.serializers import validated
from rbac.api.guards import require_permission
from rbac.exceptions import SuperusersOnlyException


@require_permission("users", "create")
class ImportView(APIView):
    """Import users from a file."""

    parser_classes = [StrictMultiPartParser]

    @raises(SuperusersOnlyException)
    @extend_schema(request={"multipart/form-data": ImportInSerializer}, responses=ImportSerializer)
    def post(self, request: Request) -> Response:
        """Create an account for each line of a CSV file whose address has none. At most 2 MiB and 5,000 lines,
        with `invite` 1,000.

        Invalid lines are reported and do not stop the import. The same file can be sent again: existing accounts are
        skipped.
        """
        values = validated(request, ImportInSerializer)
        report = imports.import_file(
            source=values["file"].file,  # not the UploadedFile, whose iteration also splits lines at carriage returns
            mode=ImportInSerializer.mode(values),
            actor=signed_in_user(request),
            client=client_of(request),
        )
        return Response(ImportSerializer(report).data)
