"""Who may call what: every URL below /api/, each method, each kind of caller."""

import re
from datetime import timedelta

import pytest
from django.db import transaction
from django.urls import get_resolver
from django.utils import timezone

from accounts.models import TOTPDevice
from conftest import PASSWORD
from foodfleet.tests.routes.endpoints import METHODS, OF_MODULES, methods_of, views
from rbac.models import RoleAssignment
from rbac.services import assignments, roles
from rbac.services.declarations import declared

pytestmark = [pytest.mark.django_db, pytest.mark.once]

ANYONE, SIGNED_IN = "anyone", "signed in"
ROUTES = {
    "schema/": {"GET": ANYONE},
    "docs/": {"GET": ANYONE},
    "auth/register/": {"POST": ANYONE},
    "auth/email/verify/": {"POST": ANYONE},
    "auth/email/resend/": {"POST": ANYONE},
    "auth/email/change/": {"POST": SIGNED_IN},
    "auth/email/change/confirm/": {"POST": ANYONE},
    "auth/email/change/undo/": {"POST": ANYONE},
    "auth/login/": {"POST": ANYONE},
    "auth/login/verify/": {"POST": ANYONE},
    "auth/login/sms/": {"POST": ANYONE},
    "auth/login/passkey/": {"POST": ANYONE},
    "auth/login/passkey/verify/": {"POST": ANYONE},
    "auth/refresh/": {"POST": ANYONE},
    "auth/token/": {"POST": ANYONE},
    "auth/token/introspect/": {"POST": "tokens:introspect"},
    "auth/token/revoke/": {"POST": ANYONE},
    "auth/logout/": {"POST": ANYONE},
    "auth/logout/all/": {"POST": SIGNED_IN},
    "auth/sessions/": {"GET": SIGNED_IN},
    "auth/sessions/{session_id}/": {"DELETE": SIGNED_IN},
    "auth/password/forgot/": {"POST": ANYONE},
    "auth/password/reset/": {"POST": ANYONE},
    "auth/password/change/": {"POST": SIGNED_IN},
    "auth/compromise/": {"POST": ANYONE},
    "auth/phone/": {"POST": SIGNED_IN},
    "auth/phone/verify/": {"POST": SIGNED_IN},
    "auth/2fa/": {"GET": SIGNED_IN},
    "auth/2fa/setup/": {"POST": SIGNED_IN},
    "auth/2fa/verify/": {"POST": SIGNED_IN},
    "auth/2fa/backup-codes/": {"POST": SIGNED_IN},
    "auth/2fa/disable/": {"POST": SIGNED_IN},
    "auth/2fa/browsers/": {"GET": SIGNED_IN},
    "auth/2fa/browsers/{browser_id}/": {"DELETE": SIGNED_IN},
    "auth/passkeys/": {"GET": SIGNED_IN, "POST": SIGNED_IN},
    "auth/passkeys/options/": {"POST": SIGNED_IN},
    "auth/passkeys/{passkey_id}/": {"PATCH": SIGNED_IN, "DELETE": SIGNED_IN},
    "auth/proof/": {"POST": SIGNED_IN},
    "auth/proof/passkey/": {"POST": SIGNED_IN},
    "auth/proof/passkey/verify/": {"POST": SIGNED_IN},
    "users/{pk}/password-link/": {"POST": "users:update"},
    "users/{user_id}/sessions/": {"GET": "sessions:read"},
    "users/{user_id}/sessions/end/": {"POST": "sessions:end"},
    "users/{user_id}/sessions/{session_id}/": {"DELETE": "sessions:end"},
    "users/me/": {"GET": SIGNED_IN, "PATCH": SIGNED_IN, "DELETE": SIGNED_IN},
    "users/me/deletion/cancel/": {"POST": SIGNED_IN},
    "users/me/events/": {"GET": SIGNED_IN},
    "events/": {"GET": "events:read"},
    "users/me/export/": {"GET": SIGNED_IN},
    "users/me/notification-preferences/": {"GET": SIGNED_IN, "PATCH": SIGNED_IN},
    "users/me/keys/": {"GET": SIGNED_IN, "POST": SIGNED_IN},
    "users/me/keys/{key_id}/": {"DELETE": SIGNED_IN},
    "service-accounts/": {"GET": "service_accounts:read", "POST": "service_accounts:create"},
    "service-accounts/{pk}/": {
        "GET": "service_accounts:read",
        "PATCH": "service_accounts:update",
        "DELETE": "service_accounts:delete",
    },
    "service-accounts/{account_id}/keys/": {"GET": "service_accounts:update", "POST": "service_accounts:update"},
    "service-accounts/{account_id}/keys/{key_id}/": {"DELETE": "service_accounts:update"},
    "users/": {"GET": "users:read", "POST": "users:create"},
    "users/{pk}/": {"GET": "users:read", "PATCH": "users:update", "DELETE": "users:delete"},
    "users/import/": {"POST": "users:create"},
    "users/{pk}/password/": {"POST": "users:update"},
    "users/{user_id}/2fa/": {"GET": "users:read"},
    "users/{user_id}/keys/": {"GET": "service_accounts:read"},
    "users/{user_id}/keys/{key_id}/": {"DELETE": "service_accounts:update"},
    "users/{user_id}/notification-preferences/": {"GET": "notifications:read"},
    "users/{pk}/lock/": {"POST": "users:lock"},
    "users/{pk}/unlock/": {"POST": "users:lock"},
    "users/{pk}/invite/": {"POST": "users:create"},
    "users/{user_id}/roles/": {"GET": "roles:read", "POST": "roles:assign"},
    "users/{user_id}/roles/{role_id}/": {"DELETE": "roles:assign"},
    "users/{user_id}/2fa-reset/": {"POST": "users:reset_2fa"},
    "2fa-resets/": {"GET": "users:reset_2fa"},
    "2fa-resets/{reset_id}/approve/": {"POST": "users:reset_2fa"},
    "2fa-resets/{reset_id}/cancel/": {"POST": "users:reset_2fa"},
    "roles/": {"GET": "roles:read", "POST": "roles:create"},
    "roles/{pk}/": {"GET": "roles:read", "PATCH": "roles:update", "DELETE": "roles:delete"},
    "roles/{role_id}/revisions/": {"GET": "roles:read"},
    "roles/{pk}/preview/": {"POST": "roles:update"},
    "scopes/": {"GET": "scopes:read", "POST": "scopes:create"},
    "scopes/{pk}/": {"GET": "scopes:read", "PATCH": "scopes:update", "DELETE": "scopes:delete"},
    "scopes/{scope_id}/members/": {"GET": "scopes:read", "POST": "scopes:update"},
    "scopes/{scope_id}/members/{user_id}/": {"DELETE": "scopes:update"},
    "permissions/": {"GET": "permissions:read", "POST": "permissions:create"},
    "permissions/{pk}/": {"GET": "permissions:read", "DELETE": "permissions:delete"},
    "access/check/": {"POST": SIGNED_IN},
    "access/explain/": {"GET": "access:check"},
    "sms-templates/": {"GET": "sms_templates:read", "POST": "sms_templates:create"},
    "sms-templates/{pk}/": {
        "GET": "sms_templates:read",
        "PATCH": "sms_templates:update",
        "DELETE": "sms_templates:delete",
    },
    "sms-templates/{pk}/preview/": {"POST": "sms_templates:read"},
    "sms-templates/{pk}/test/": {"POST": "sms_templates:read"},
    "sms-templates/{pk}/versions/": {"GET": "sms_templates:read"},
    "sms-templates/{pk}/versions/{number}/restore/": {"POST": "sms_templates:update"},
    "email-templates/": {"GET": "email_templates:read"},
    "email-templates/{name}/": {"GET": "email_templates:read"},
    "email-overrides/": {"GET": "email_templates:read", "POST": "email_templates:create"},
    "email-overrides/{pk}/": {
        "GET": "email_templates:read",
        "PATCH": "email_templates:update",
        "DELETE": "email_templates:delete",
    },
    "email-overrides/{pk}/preview/": {"POST": "email_templates:read"},
    "email-overrides/{pk}/test/": {"POST": "email_templates:read"},
    "email-overrides/{pk}/versions/": {"GET": "email_templates:read"},
    "email-overrides/{pk}/versions/{number}/restore/": {"POST": "email_templates:update"},
    "suppressions/": {"GET": "suppressions:read", "POST": "suppressions:create"},
    "suppressions/{pk}/": {"GET": "suppressions:read"},
    "suppressions/{pk}/lift/": {"POST": "suppressions:lift"},
    "notifications/": {"GET": "notifications:read"},
    "notifications/{pk}/": {"GET": "notifications:read"},
    "notifications/{pk}/retry/": {"POST": "notifications:send"},
    "notifications/{pk}/cancel/": {"POST": "notifications:send"},
    "notifications/email/": {"POST": "notifications:send"},
    "notifications/sms/": {"POST": "notifications:send"},
    "webhooks/ses/": {"POST": ANYONE},
    "webhooks/": {"GET": "webhooks:read", "POST": "webhooks:create"},
    "webhooks/{pk}/": {"GET": "webhooks:read", "PATCH": "webhooks:update", "DELETE": "webhooks:delete"},
    "webhooks/{pk}/test/": {"POST": "webhooks:update"},
    "webhooks/{pk}/rotate-secret/": {"POST": "webhooks:update"},
    "webhooks/{endpoint_id}/deliveries/": {"GET": "webhooks:read"},
    "webhooks/{endpoint_id}/deliveries/{delivery_id}/replay/": {"POST": "webhooks:update"},
    "webhooks/deliveries/{delivery_id}/replay/": {"POST": "webhooks:update"},
}
# What a permission in a scope without members gives.
IN_SCOPES = {
    "GET users/": 200,
    **dict.fromkeys(("GET users/{pk}/", "PATCH users/{pk}/", "POST users/{pk}/lock/", "POST users/{pk}/unlock/"), 404),
    "GET users/{user_id}/roles/": 404,
    **dict.fromkeys(("POST notifications/email/", "POST notifications/sms/"), 422),  # an empty body
}
# Endpoints that may be called while the set-up of MFA is pending.
WITHOUT_MFA = {
    "auth/2fa/", "auth/2fa/setup/", "auth/2fa/verify/", "auth/2fa/backup-codes/", "auth/2fa/disable/",
    "auth/passkeys/", "auth/passkeys/options/", "auth/passkeys/{passkey_id}/",
    "auth/proof/", "auth/proof/passkey/", "auth/proof/passkey/verify/",
    "auth/password/change/", "auth/logout/all/",
}  # fmt: skip
BRACES = str.maketrans("<>", "{}")
# Modules have no rows above: what their views declare is expected.
for endpoint in OF_MODULES:
    if endpoint.is_api:
        address = endpoint.address.removeprefix("api/v1/").translate(BRACES)
        who = ANYONE if endpoint.is_public else endpoint.access.permission or SIGNED_IN
        ROUTES.setdefault(address, {})[endpoint.method] = who
CALLS = [(path, method, who) for path, methods in ROUTES.items() for method, who in methods.items()]
CODENAMES = {who for _, _, who in CALLS} - {ANYONE, SIGNED_IN}
NO_VIEW = "api/"  # everything else below /api/ is a 404


def test_the_table_names_every_route_and_no_other():
    found = {address: view for address, view in views(get_resolver().url_patterns) if re.match(r"api\b", address)}
    del found[NO_VIEW]
    real = {address.removeprefix("api/v1/"): set(methods_of(view)) for address, view in found.items()}
    table = {path.replace("{", "<").replace("}", ">"): set(methods) for path, methods in ROUTES.items()}
    assert real == table, "add the route to ROUTES above, or remove it there"


def test_the_table_lists_declared_permissions_only():
    assert declared().codenames.keys() >= CODENAMES


@pytest.fixture
def call(api, user, make_user):
    """One call in Ann's name, about Bob, all of whose consequences are taken back; answers status and body."""
    bob = make_user("bob@example.com")
    unknown = "0197a0f0-0000-7000-8000-000000000000"
    values = {"pk": bob.pk, "user_id": bob.pk, "session_id": unknown, "key_id": unknown, "delivery_id": unknown}

    def ask(path, method, headers, before=lambda: None):
        address = re.sub(r"\{(\w+)\}", lambda name: str(values.get(name[1], 1)), path)
        with transaction.atomic():
            before()
            answer = api.generic(method, f"/api/v1/{address}", "{}", "application/json", headers=headers)
            transaction.set_rollback(True)
        body = answer.json() if answer.status_code == 403 else {}
        return answer.status_code, body

    return ask


@pytest.fixture
def bearer(user, sign_in):
    """The header with which Ann calls."""
    return {"Authorization": f"Bearer {sign_in()['access']}"}


@pytest.fixture
def give(user):
    """Give Ann a role with exactly these codenames."""

    def grant(codenames, **how):
        role = roles.create(actor=None, edit=roles.RoleEdit(name="right", permissions=sorted(codenames)))
        return assignments.grant(actor=None, user=user, role=role, **how)

    return grant


def outcome(status, body):
    """What an answer says about being let in: 401, the codenames that a 403 misses, or "in"."""
    if status == 403:
        return tuple(body["details"].get("missing", [body["code"]]))
    return 401 if status == 401 else "in"


def refusals(call, headers):
    """The calls that are refused because of a required action: MFA enrolment or a password change."""
    answers = {(path, method): call(path, method, headers) for path, method, _ in CALLS}
    return {where: body["code"] for where, (status, body) in answers.items() if status == 403}


def surprises(call, expected, headers=None, before=lambda who: None):
    """The calls whose outcome is not `expected(who)`."""
    found = {}
    for path, method, who in CALLS:
        status, body = call(path, method, headers or {}, lambda who=who: before(who))
        if outcome(status, body) != expected(who) or status >= 500:
            found[f"{method} {path}"] = (status, body)
    return found


def test_who_is_not_signed_in_gets_401_but_where_anyone_may(call):
    assert surprises(call, lambda who: "in" if who == ANYONE else 401) == {}


def missed(who):
    """What somebody meets who is signed in without the codename."""
    return (who,) if who in CODENAMES else "in"


def test_without_a_role_every_permission_is_missed_by_name(call, bearer):
    assert surprises(call, missed, bearer) == {}


def test_a_role_with_the_permission_alone_lets_in(call, bearer, give):
    assert surprises(call, lambda who: "in", bearer, lambda who: give(CODENAMES & {who})) == {}


def test_every_other_permission_does_not(call, bearer, give):
    assert surprises(call, missed, bearer, lambda who: give(declared().codenames.keys() - {who})) == {}


def test_a_permission_in_one_scope_opens_its_members_and_nothing_else(call, bearer, give):
    give(CODENAMES, scope="fleet:13")
    others = {f"{one.method} {one.address.removeprefix('api/v1/')}".translate(BRACES) for one in OF_MODULES}
    found = {call: code for call, (code, _details) in surprises(call, missed, bearer).items() if call not in others}
    assert found == IN_SCOPES


def test_an_expired_role_gives_nothing(call, bearer, give):
    assignment = give(CODENAMES, expires_at=timezone.now() + timedelta(hours=1))
    RoleAssignment.objects.filter(pk=assignment.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    assert surprises(call, missed, bearer) == {}


def test_a_deactivated_user_is_nobody_whatever_they_hold(call, user, bearer, give):
    give(CODENAMES)
    user.is_active = False
    user.save()
    assert surprises(call, lambda who: "in" if who == ANYONE else 401, bearer) == {}


def test_a_superuser_gets_in_everywhere_without_a_role(call, user, bearer):
    user.is_superuser = True
    user.save()
    assert surprises(call, lambda who: "in", bearer) == {}


def test_a_method_that_the_table_does_not_name_is_405(call, user, bearer):
    user.is_superuser = True
    user.save()
    others = [(path, method) for path, methods in ROUTES.items() for method in METHODS if method not in methods]
    answers = {f"{method} {path}": call(path, method, bearer)[0] for path, method in others}
    assert {name: status for name, status in answers.items() if status != 405} == {}


def test_a_role_that_requires_mfa_leaves_only_enrolment_open(call, user, bearer):
    user.is_superuser = True
    user.save()
    edit = roles.RoleEdit(name="strict", requires_2fa=True)
    assignments.grant(actor=None, user=user, role=roles.create(actor=None, edit=edit), scope="fleet:12")
    shut = {
        (path, method): "two_factor_required"
        for path, method, who in CALLS
        if who != ANYONE and path not in WITHOUT_MFA
    }
    assert refusals(call, bearer) == shut
    TOTPDevice.objects.create(user=user, confirmed_at=timezone.now())
    assert "two_factor_required" not in refusals(call, bearer).values()


def test_pending_mfa_and_password_change_can_both_be_done(api, user, bearer):
    user.must_change_password = True
    user.save()
    edit = roles.RoleEdit(name="strict", requires_2fa=True)
    assignments.grant(actor=None, user=user, role=roles.create(actor=None, edit=edit))
    new = {"current_password": PASSWORD, "new_password": "Another-Grill-2027!"}
    assert api.post("/api/v1/auth/password/change/", new, headers=bearer).status_code == 204
    setup = {"password": new["new_password"]}
    assert api.post("/api/v1/auth/2fa/setup/", setup, headers=bearer).status_code == 200
