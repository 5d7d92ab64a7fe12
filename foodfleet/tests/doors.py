"""Every door of FoodFleet and what it demands: the list that test_doors.py compares with the URLconf, and tries."""

from collections.abc import Iterator
from dataclasses import dataclass

# methods    address                                             who            more
#
# who:   open       nobody has to sign in
#        signed-in  whoever is signed in
#        staff      who may enter the admin: is_staff, and the second factor shown where ADMIN_REQUIRE_2FA says so
#        x:y        who holds this permission
# more:  enrol      open to who has yet to set up the second factor that a role demands
#        renew      open to who has to choose another password first
#        proof      takes fresh proof; proof-2fa: where a second factor is on
#        password   compares the password: wrong ones lock the account, and a locked account is refused
# An open door stays open for whoever owes anything. `any`: the admin answers all methods alike.
TABLE = """
GET          health/live/                                        open
GET          health/ready/                                       open
GET          .well-known/jwks.json                               open
GET          api/v1/schema/                                      open
GET          api/v1/docs/                                        open
any          api/                                                open
POST         api/v1/webhooks/ses/                                open

GET          /                                                   open
POST         language/                                           open
GET POST     register/                                           open
GET POST     email/verify/<token>/                               open
GET POST     email/resend/                                       open
GET          login/                                              open
POST         login/                                              open           password
GET POST     login/verify/                                       open
POST         login/sms/                                          open
POST         logout/                                             open
GET POST     password/forgot/                                    open
GET POST     password/reset/<token>/                             open
GET POST     account/not-me/<token>/                             open
GET POST     account/email/confirm/<token>/                      open
GET POST     account/email/undo/<token>/                         open
GET POST     unsubscribe/<token>/                                open
GET          dev/mailbox/                                        open
GET          dev/mailbox/<message_id>/                           open

GET POST     account/                                            signed-in
GET          account/email/                                      signed-in
POST         account/email/                                      signed-in      proof
GET POST     account/email/cancel/                               signed-in
GET          account/data/                                       signed-in
POST         account/data/                                       signed-in      proof
GET          account/phone/                                      signed-in
POST         account/phone/                                      signed-in      proof-2fa
GET POST     account/phone/verify/                               signed-in
GET          account/phone/remove/                               signed-in
POST         account/phone/remove/                               signed-in      proof-2fa
GET          account/security/                                   signed-in      enrol renew
GET          account/password/                                   signed-in      enrol
POST         account/password/                                   signed-in      enrol renew proof-2fa password
GET          account/sudo/                                       signed-in      enrol renew
POST         account/sudo/                                       signed-in      enrol renew password
GET          account/totp/                                       signed-in      enrol proof
POST         account/totp/                                       signed-in      enrol proof
GET POST     account/totp/disable/                               signed-in      proof-2fa
GET          account/backup-codes/                               signed-in      enrol
POST         account/backup-codes/                               signed-in      enrol proof-2fa
GET POST     account/passkeys/                                   signed-in      enrol proof
GET          account/passkeys/<id>/                              signed-in
POST         account/passkeys/<id>/                              signed-in      proof-2fa
GET          account/passkeys/<id>/remove/                       signed-in
POST         account/passkeys/<id>/remove/                       signed-in      proof-2fa
GET POST     account/browsers/<id>/forget/                       signed-in
GET POST     account/reset/stop/                                 signed-in
GET          account/sessions/                                   signed-in
GET POST     account/sessions/<id>/end/                          signed-in
GET POST     account/sessions/end-others/                        signed-in      enrol renew
GET POST     account/preferences/                                signed-in

POST         api/v1/auth/register/                               open
POST         api/v1/auth/email/verify/                           open
POST         api/v1/auth/email/resend/                           open
POST         api/v1/auth/login/                                  open           password
POST         api/v1/auth/login/verify/                           open
POST         api/v1/auth/login/sms/                              open
POST         api/v1/auth/login/passkey/                          open
POST         api/v1/auth/login/passkey/verify/                   open
POST         api/v1/auth/refresh/                                open
POST         api/v1/auth/logout/                                 open
POST         api/v1/auth/password/forgot/                        open
POST         api/v1/auth/password/reset/                         open
POST         api/v1/auth/email/change/confirm/                   open
POST         api/v1/auth/email/change/undo/                      open

GET          api/v1/auth/2fa/                                    signed-in      enrol
POST         api/v1/auth/2fa/setup/                              signed-in      enrol proof-2fa password
POST         api/v1/auth/2fa/verify/                             signed-in      enrol
POST         api/v1/auth/2fa/backup-codes/                       signed-in      enrol
POST         api/v1/auth/2fa/disable/                            signed-in      enrol password
GET          api/v1/auth/2fa/browsers/                           signed-in
DELETE       api/v1/auth/2fa/browsers/<browser_id>/              signed-in
GET          api/v1/auth/passkeys/                               signed-in      enrol
POST         api/v1/auth/passkeys/                               signed-in      enrol proof
POST         api/v1/auth/passkeys/options/                       signed-in      enrol proof
PATCH        api/v1/auth/passkeys/<passkey_id>/                  signed-in      enrol proof-2fa
DELETE       api/v1/auth/passkeys/<passkey_id>/                  signed-in      enrol proof-2fa
POST         api/v1/auth/proof/                                  signed-in      enrol renew password
POST         api/v1/auth/proof/passkey/                          signed-in      enrol renew
POST         api/v1/auth/proof/passkey/verify/                   signed-in      enrol renew
POST         api/v1/auth/logout/all/                             signed-in      enrol renew
GET          api/v1/auth/sessions/                               signed-in
DELETE       api/v1/auth/sessions/<session_id>/                  signed-in
POST         api/v1/auth/password/change/                        signed-in      enrol renew proof-2fa password
POST         api/v1/auth/email/change/                           signed-in      proof-2fa password
POST         api/v1/auth/phone/                                  signed-in      proof-2fa
POST         api/v1/auth/phone/verify/                           signed-in
GET PATCH    api/v1/users/me/                                    signed-in
GET          api/v1/users/me/events/                             signed-in
GET          api/v1/users/me/export/                             signed-in
GET PATCH    api/v1/users/me/notification-preferences/           signed-in
POST         api/v1/access/check/                                signed-in

GET          api/v1/users/                                       users:read
POST         api/v1/users/                                       users:create
GET          api/v1/users/<pk>/                                  users:read
PATCH        api/v1/users/<pk>/                                  users:update
DELETE       api/v1/users/<pk>/                                  users:delete
POST         api/v1/users/<pk>/lock/                             users:lock
POST         api/v1/users/<pk>/unlock/                           users:lock
POST         api/v1/users/<pk>/invite/                           users:create
POST         api/v1/users/<pk>/password-link/                    users:update
GET          api/v1/users/<user_id>/sessions/                    sessions:read
DELETE       api/v1/users/<user_id>/sessions/<session_id>/       sessions:end
POST         api/v1/users/<user_id>/sessions/end/                sessions:end
GET          api/v1/users/<user_id>/roles/                       roles:read
POST         api/v1/users/<user_id>/roles/                       roles:assign
DELETE       api/v1/users/<user_id>/roles/<role_id>/             roles:assign
POST         api/v1/users/<user_id>/2fa-reset/                   users:reset_2fa
GET          api/v1/2fa-resets/                                  users:reset_2fa
POST         api/v1/2fa-resets/<reset_id>/approve/               users:reset_2fa
POST         api/v1/2fa-resets/<reset_id>/cancel/                users:reset_2fa
GET          api/v1/access/explain/                              access:check
GET          api/v1/roles/                                       roles:read
POST         api/v1/roles/                                       roles:create
GET          api/v1/roles/<pk>/                                  roles:read
PATCH        api/v1/roles/<pk>/                                  roles:update
DELETE       api/v1/roles/<pk>/                                  roles:delete
POST         api/v1/roles/<pk>/preview/                          roles:update
GET          api/v1/permissions/                                 permissions:read
POST         api/v1/permissions/                                 permissions:create
GET          api/v1/permissions/<pk>/                            permissions:read
DELETE       api/v1/permissions/<pk>/                            permissions:delete
POST         api/v1/notifications/email/                         notifications:send
POST         api/v1/notifications/sms/                           notifications:send
GET          api/v1/notifications/                               notifications:read
GET          api/v1/notifications/<pk>/                          notifications:read
POST         api/v1/notifications/<pk>/retry/                    notifications:send
POST         api/v1/notifications/<pk>/cancel/                   notifications:send
GET          api/v1/sms-templates/                               sms_templates:read
POST         api/v1/sms-templates/                               sms_templates:create
GET          api/v1/sms-templates/<pk>/                          sms_templates:read
PATCH        api/v1/sms-templates/<pk>/                          sms_templates:update
DELETE       api/v1/sms-templates/<pk>/                          sms_templates:delete
POST         api/v1/sms-templates/<pk>/preview/                  sms_templates:read

any          admin/login/                                        open
any          admin/logout/                                       open
any          admin/                                              staff
any          admin/<app_label>/                                  staff
any          admin/<url>                                         staff
any          admin/autocomplete/                                 staff
any          admin/jsi18n/                                       staff
any          admin/password_change/                              staff
any          admin/password_change/done/                         staff
any          admin/r/<content_type_id>/<object_id>/              staff
any          admin/accounts/user/<id>/password/                  staff
any          admin/notifications/emailoverride/<pk>/frame/       staff
any          admin/notifications/emailoverride/<pk>/versions/    staff
any          admin/notifications/emailoverride/<pk>/try/         staff
any          admin/notifications/smstemplate/<pk>/versions/      staff
any          admin/notifications/smstemplate/<pk>/try/           staff
any          admin/notifications/message/<pk>/retry/               staff
any          admin/notifications/message/<pk>/cancel/              staff
"""
# Each has Django's own pages: the list, add/, <object_id>/, and below that change/, delete/ and history/. All for staff.
ADMIN_MODELS = """
rbac/role  rbac/roleassignment  rbac/rolerevision  auth/permission
accounts/user  accounts/session  accounts/securityevent  accounts/secondfactorreset
notifications/message  notifications/smstemplate  notifications/emailoverride  notifications/suppression
notifications/preference
"""
ADMIN_PAGES = ("", "add/", "<object_id>/", "<object_id>/change/", "<object_id>/delete/", "<object_id>/history/")
KNOWN_WORDS = {"enrol", "renew", "proof", "proof-2fa", "password"}


@dataclass(frozen=True)
class Door:
    """One method of one address; `method` is `any` where all are answered alike."""

    method: str
    address: str
    who: str
    more: frozenset[str]

    @property
    def is_api(self) -> bool:
        """Whether it answers programs."""
        return self.address.startswith("api/")

    def __str__(self) -> str:
        return f"{self.method} {self.address}"


def read_table() -> Iterator[Door]:
    """The list above, one door a method."""
    for line in filter(None, TABLE.splitlines()):
        words = line.split()
        methods = [word for word in words if word.isalpha() and (word.isupper() or word == "any")]
        address, who, *more = words[len(methods) :]
        assert set(more) <= KNOWN_WORDS, line
        for method in methods:
            yield Door(method, address.removeprefix("/"), who, frozenset(more))
    for model in ADMIN_MODELS.split():
        for page in ADMIN_PAGES:
            yield Door("any", f"admin/{model}/{page}", "staff", frozenset())


DOORS = tuple(read_table())
