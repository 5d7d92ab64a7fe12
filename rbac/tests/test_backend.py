"""A permission has the same decision under every alias."""

import pytest
from django.template import Context, Template

pytestmark = pytest.mark.django_db


def test_a_codename_a_django_name_and_a_template_agree(user, allow):
    names = ["users:read", "accounts.view_user", "users.read", "rbac.users:read"]
    page = Template(
        "{% if perms.accounts.view_user %}a{% endif %}{% if perms.users.read %}b{% endif %}"
        '{% if "users:read" in perms %}c{% endif %}{% if perms.accounts %}d{% endif %}'
    )
    from django.contrib.auth.context_processors import PermWrapper

    assert not any(user.has_perm(name) for name in names)
    assert page.render(Context({"perms": PermWrapper(user)})) == ""
    allow(user, "users:read")
    assert all(user.has_perm(name) for name in names)
    assert page.render(Context({"perms": PermWrapper(user)})) == "abcd"
    assert {"users:read", "accounts.view_user"} <= user.get_all_permissions()
    assert not user.has_perm("users:delete")
    assert not user.has_perm("accounts.delete_user")
