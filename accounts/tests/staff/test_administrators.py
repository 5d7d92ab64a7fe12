"""`make admin`: a way in for whoever has a shell on the server."""

import re
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from accounts.models import User

pytestmark = pytest.mark.django_db


def administrator(*arguments):
    """Run the command; gives the printed e-mail and password."""
    output = StringIO()
    call_command("administrator", *arguments, stdout=output)
    found = re.search(r"e-mail    (\S+)\n    password  (\S+)", output.getvalue())
    return found.groups() if found else None


def test_an_administrator_is_made_who_can_sign_in(sign_in):
    email, password = administrator("boss@example.com")
    assert email == "boss@example.com"
    assert sign_in(email, password)["access"]
    assert User.objects.get(email=email).is_superuser


def test_a_locked_administrator_is_let_in_again_and_sessions_end(api, user, sign_in):
    before = sign_in()
    User.objects.filter(pk=user.pk).update(locked_at=timezone.now(), is_active=False)
    email, password = administrator(user.email.upper())
    assert sign_in(email, password)["access"]
    assert api.post("/api/v1/auth/refresh/", {"refresh": before["refresh"]}).status_code == 401
    user.refresh_from_db()
    assert user.is_superuser
    assert user.is_staff


def test_the_first_administrator_is_made_once():
    assert administrator("--first")
    assert administrator("--first") is None


def test_what_is_no_address_is_refused_in_one_line():
    with pytest.raises(CommandError, match="nobody: "):
        administrator("nobody")
