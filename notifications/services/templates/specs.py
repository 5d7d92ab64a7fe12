"""Template specs: the product's own e-mails and SMS, with their variables.

Staff may change the content. The variables, and which of them are required, are declared here, and by modules in
`MAILS` of their `mails.py`.
"""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import cache

from django.core.exceptions import ImproperlyConfigured
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from foodfleet.modules.registry import submodules
from notifications.exceptions import InvalidTemplateException, TemplateNotSendableException
from notifications.services.compose.policies import Policy
from notifications.states import Channel

LINK = "https://foodfleet.example/"


@dataclass(frozen=True)
class Variable:
    """A variable of a template. A required one needs a value, and every edit of the template must contain it."""

    name: str
    example: str | int  # an int: the value must be a number
    is_required: bool = True


@dataclass(frozen=True)
class TemplateSpec:
    """The declaration of one of the product's e-mails or SMS.

    by_hand: staff may send it; otherwise only the product does, with its own values. policy: None for that in
    notifications.services.compose.policies. is_precompiled: the files of the e-mail use variables without filters and
    test only whether they are given, so that they are rendered once and not for each message.
    """

    name: str
    channel: Channel
    description: str | Promise
    variables: tuple[Variable, ...]
    content: str = ""  # of an SMS; the content of e-mails is in templates/notifications/email/
    by_hand: bool = False
    policy: Policy | None = None
    is_precompiled: bool = False

    @property
    def examples(self) -> dict[str, str | int]:
        """An example value for each variable."""
        return {variable.name: variable.example for variable in self.variables}

    @property
    def required(self) -> frozenset[str]:
        """The names of the required variables."""
        return frozenset(variable.name for variable in self.variables if variable.is_required)

    @property
    def names(self) -> frozenset[str]:
        """The names of all variables."""
        return frozenset(variable.name for variable in self.variables)


FIRST_NAME = Variable("first_name", "Ann", is_required=False)
CODE = Variable("code", "123456")
SITE_NAME = Variable("site_name", "FoodFleet", is_required=False)  # rendering adds it to every SMS
# The facts of a security event. Each may be unknown.
SECURITY_FACTS = (
    Variable("when", "23 November 2026, 10:42 UTC", is_required=False),
    Variable("ip", "203.0.113.7", is_required=False),
    Variable("device", "Firefox on Windows", is_required=False),
    Variable("not_me_link", f"{LINK}not-me/example/", is_required=False),
    FIRST_NAME,
)


def _email(name: str, description: Promise, *variables: Variable, by_hand: bool = False) -> TemplateSpec:
    return TemplateSpec(name, Channel.EMAIL, description, variables, by_hand=by_hand, is_precompiled=True)


def _sms(name: str, description: Promise, content: str) -> TemplateSpec:
    return TemplateSpec(name, Channel.SMS, description, (CODE, SITE_NAME), content)


_NAME = Variable("name", "Ann's laptop")
_NEW_EMAIL = Variable("new_email", "ann@new.example")
_UNDO = Variable("undo_link", f"{LINK}account/email/undo/example/")
_RESET = Variable("reset_link", f"{LINK}password/forgot/")


def _link(path: str) -> Variable:
    return Variable("link", f"{LINK}{path}")


SPECS = (
    _sms("2fa_code", _("The code for two-factor authentication"), "Your verification code is: {{code}}"),
    _sms(
        "phone_verification",
        _("The code that confirms a phone number"),
        "Your {{site_name}} code to confirm this number is: {{code}}",
    ),
    _email("verify_email", _("Confirm the address"), _link("email/verify/example/"), FIRST_NAME),
    _email("welcome", _("The address is confirmed"), _link("account/"), FIRST_NAME),
    _email(
        "already_registered",
        _("There is an account already"),
        _link("login/"),
        _RESET,
        Variable("verify_link", f"{LINK}email/verify/example/", is_required=False),
        FIRST_NAME,
    ),
    _email(
        "invitation",
        _("An account was made for somebody"),
        _link("password/reset/example/"),
        Variable("inviter", "Bob Miller", is_required=False),
        FIRST_NAME,
    ),
    _email("password_reset", _("Choose a new password"), _link("password/reset/example/"), FIRST_NAME),
    _email("password_changed", _("The password was changed"), *SECURITY_FACTS),
    _email("password_reset_done", _("The password was reset"), *SECURITY_FACTS),
    _email(
        "account_locked",
        _("Sign-in is temporarily locked"),
        Variable("until", "10:57 UTC", is_required=False),
        _RESET,
        *SECURITY_FACTS,
    ),
    _email("new_device", _("A new device signed in"), *SECURITY_FACTS),
    _email("email_change_confirm", _("Confirm the new address"), _link("account/email/confirm/example/"), FIRST_NAME),
    _email("email_change_notice", _("A change of address was requested"), _NEW_EMAIL, _UNDO, *SECURITY_FACTS),
    _email("email_changed", _("The address was changed"), _NEW_EMAIL, _UNDO, *SECURITY_FACTS),
    _email("phone_changed", _("The phone number was changed"), *SECURITY_FACTS),
    _email(
        "deletion_requested",
        _("The owner asked to delete the account"),
        Variable("due_at", "7 December 2026, 10:42 UTC"),
        _link("account/"),
        *SECURITY_FACTS,
    ),
    _email(
        "deletion_reminder",
        _("The account is deleted soon, as its owner asked"),
        Variable("due_at", "7 December 2026, 10:42 UTC"),
        _link("account/"),
        *SECURITY_FACTS,
    ),
    _email("account_deleted", _("The account was deleted, as its owner asked"), FIRST_NAME),
    _email("two_factor_enabled", _("Two-factor authentication is on"), *SECURITY_FACTS),
    _email("two_factor_disabled", _("Two-factor authentication is off"), *SECURITY_FACTS),
    _email("backup_code_used", _("A backup code was used"), Variable("remaining", 7), *SECURITY_FACTS),
    _email("backup_codes_regenerated", _("There are new backup codes"), *SECURITY_FACTS),
    _email("passkey_added", _("A passkey was added"), _NAME, *SECURITY_FACTS),
    _email("passkey_removed", _("A passkey was removed"), _NAME, *SECURITY_FACTS),
    _email(
        "two_factor_reset_requested",
        _("Someone asked to reset two-factor authentication"),
        Variable("effective_at", "25 November 2026, 10:42 UTC"),
        *SECURITY_FACTS,
    ),
    _email("two_factor_reset_done", _("Two-factor authentication was reset"), *SECURITY_FACTS),
    _email("wasnt_me", _("The account was secured by its owner"), _link("password/forgot/"), FIRST_NAME),
    _email(
        "webhook_disabled",
        _("A webhook endpoint was disabled"),
        Variable("url", "https://hooks.example/foodfleet"),
        _link("admin/"),
        FIRST_NAME,
    ),
    _email(
        "announcement",
        _("News that staff write"),
        Variable("heading", "Lunch moves"),
        Variable("text", "Come at noon."),
        FIRST_NAME,
        by_hand=True,
    ),
)


@cache
def all_specs() -> dict[tuple[Channel, str], TemplateSpec]:
    """Return the specs of the product and of its modules. Raises ImproperlyConfigured for a name declared twice."""
    found: dict[tuple[Channel, str], TemplateSpec] = {}
    for spec in [*SPECS, *(spec for module in submodules("mails") for spec in module.MAILS)]:
        if (spec.channel, spec.name) in found:
            raise ImproperlyConfigured(f"Two templates are named {spec.name}: rename the one in the module's mails.py.")
        found[spec.channel, spec.name] = spec
    return found


def find(channel: Channel, name: str) -> TemplateSpec | None:
    """Return the spec with this name; None for a template that staff made."""
    return all_specs().get((channel, name))


def check_sendable(channel: Channel, name: str) -> None:
    """Raise TemplateNotSendableException for a product template that only the product sends.

    Otherwise staff could send a security message with their own link. Accepts all other names, also unknown ones.
    """
    spec = find(channel, name)
    if spec is not None and not spec.by_hand:
        raise TemplateNotSendableException.of(name)


def check_names(*, spec: TemplateSpec, used: AbstractSet[str], field: str) -> None:
    """Raise InvalidTemplateException for names that the spec does not declare."""
    if unknown := sorted(used - spec.names):
        message = _("These variables do not exist: %(names)s.") % {"names": ", ".join(unknown)}
        raise InvalidTemplateException.for_field(field, message, "unknown_variable")


def check_required(*, spec: TemplateSpec, used: AbstractSet[str], field: str) -> None:
    """Raise InvalidTemplateException for required names that are missing in `used`."""
    if absent := sorted(spec.required - used):
        message = _("These variables are required: %(names)s.") % {"names": ", ".join(absent)}
        raise InvalidTemplateException.for_field(field, message, "missing_variable")


def for_channel(channel: Channel) -> list[TemplateSpec]:
    """Return the specs of one channel."""
    return [spec for spec in all_specs().values() if spec.channel == channel]
