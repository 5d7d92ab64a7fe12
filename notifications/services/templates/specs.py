"""What the product itself says to people: each mail and text with its variables.

Staff may change the words; which variables there are, and which of them must appear, is decided here.
"""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from notifications.exceptions import InvalidTemplateException, TemplateNotSendableException
from notifications.states import Channel

LINK = "https://foodfleet.example/"


@dataclass(frozen=True)
class Variable:
    """A value that a template may show. Without a required one nothing is sent, and no edit may leave it out."""

    name: str
    example: str | int  # a number: the value must be one
    is_required: bool = True


@dataclass(frozen=True)
class Declared:
    """A mail or text of the product.

    by_hand: staff may send it. Every other one is sent by the product alone, with values that the product made.
    """

    name: str
    channel: Channel
    description: str | Promise
    variables: tuple[Variable, ...]
    content: str = ""  # of a text; the words of a mail are files in templates/notifications/email/
    by_hand: bool = False

    @property
    def examples(self) -> dict[str, str | int]:
        """A value for each variable."""
        return {variable.name: variable.example for variable in self.variables}

    @property
    def required(self) -> frozenset[str]:
        """The names without which nothing is sent."""
        return frozenset(variable.name for variable in self.variables if variable.is_required)

    @property
    def names(self) -> frozenset[str]:
        """The names of all variables."""
        return frozenset(variable.name for variable in self.variables)


FIRST_NAME = Variable("first_name", "Ann", is_required=False)
CODE = Variable("code", "123456")
# What a message about the account's safety tells of the moment; any of it may be unknown.
CIRCUMSTANCES = (
    Variable("when", "23 November 2026, 10:42 UTC", is_required=False),
    Variable("ip", "203.0.113.7", is_required=False),
    Variable("device", "Firefox on Windows", is_required=False),
    Variable("not_me_link", f"{LINK}not-me/example/", is_required=False),
    FIRST_NAME,
)


def _mail(name: str, description: Promise, *variables: Variable, by_hand: bool = False) -> Declared:
    return Declared(name, Channel.EMAIL, description, variables, by_hand=by_hand)


def _text(name: str, description: Promise, content: str) -> Declared:
    return Declared(name, Channel.SMS, description, (CODE,), content)


_NAME = Variable("name", "Ann's laptop")
_NEW_EMAIL = Variable("new_email", "ann@new.example")
_UNDO = Variable("undo_link", f"{LINK}account/email/undo/example/")
_RESET = Variable("reset_link", f"{LINK}password/forgot/")


def _link(path: str) -> Variable:
    return Variable("link", f"{LINK}{path}")


DECLARED = (
    _text("2fa_code", _("The code for two-factor authentication"), "Your verification code is: {{code}}"),
    _text(
        "phone_verification",
        _("The code that confirms a phone number"),
        "Your FoodFleet code to confirm this number is: {{code}}",
    ),
    _mail("verify_email", _("Confirm the address"), _link("email/verify/example/"), FIRST_NAME),
    _mail("welcome", _("The address is confirmed"), _link("account/"), FIRST_NAME),
    _mail(
        "already_registered",
        _("There is an account already"),
        _link("login/"),
        _RESET,
        Variable("verify_link", f"{LINK}email/verify/example/", is_required=False),
        FIRST_NAME,
    ),
    _mail(
        "invitation",
        _("An account was made for somebody"),
        _link("password/reset/example/"),
        Variable("inviter", "Bob Miller", is_required=False),
        FIRST_NAME,
    ),
    _mail("password_reset", _("Choose a new password"), _link("password/reset/example/"), FIRST_NAME),
    _mail("password_changed", _("The password was changed"), *CIRCUMSTANCES),
    _mail("password_reset_done", _("The password was reset"), *CIRCUMSTANCES),
    _mail(
        "account_locked",
        _("Sign-in is temporarily locked"),
        Variable("until", "10:57 UTC", is_required=False),
        _RESET,
        *CIRCUMSTANCES,
    ),
    _mail("new_device", _("A new device signed in"), *CIRCUMSTANCES),
    _mail("email_change_confirm", _("Confirm the new address"), _link("account/email/confirm/example/"), FIRST_NAME),
    _mail("email_change_notice", _("A change of address was requested"), _NEW_EMAIL, _UNDO, *CIRCUMSTANCES),
    _mail("email_changed", _("The address was changed"), _NEW_EMAIL, _UNDO, *CIRCUMSTANCES),
    _mail("phone_changed", _("The phone number was changed"), *CIRCUMSTANCES),
    _mail("two_factor_enabled", _("Two-factor authentication is on"), *CIRCUMSTANCES),
    _mail("two_factor_disabled", _("Two-factor authentication is off"), *CIRCUMSTANCES),
    _mail("backup_code_used", _("A backup code was used"), Variable("remaining", 7), *CIRCUMSTANCES),
    _mail("backup_codes_regenerated", _("There are new backup codes"), *CIRCUMSTANCES),
    _mail("passkey_added", _("A passkey was added"), _NAME, *CIRCUMSTANCES),
    _mail("passkey_removed", _("A passkey was removed"), _NAME, *CIRCUMSTANCES),
    _mail(
        "two_factor_reset_requested",
        _("Someone asked to reset two-factor authentication"),
        Variable("effective_at", "25 November 2026, 10:42 UTC"),
        *CIRCUMSTANCES,
    ),
    _mail("two_factor_reset_done", _("Two-factor authentication was reset"), *CIRCUMSTANCES),
    _mail("wasnt_me", _("The account was secured by its owner"), _link("password/forgot/"), FIRST_NAME),
    _mail(
        "announcement",
        _("News that staff write"),
        Variable("heading", "Lunch moves"),
        Variable("text", "Come at noon."),
        FIRST_NAME,
        by_hand=True,
    ),
)
_BY_KEY = {(declared.channel, declared.name): declared for declared in DECLARED}


def find(channel: Channel, name: str) -> Declared | None:
    """What the product declares under this name, or None: then staff made it up."""
    return _BY_KEY.get((channel, name))


def check_sendable(channel: Channel, name: str) -> None:
    """Refuse to send one of the product's account and security messages with values of the caller's choice.

    Raises TemplateNotSendableException. A template that staff made up, or that is not there, passes.
    """
    declared = find(channel, name)
    if declared is not None and not declared.by_hand:
        raise TemplateNotSendableException.of(name)


def check_names(*, declared: Declared, used: AbstractSet[str], field: str) -> None:
    """Raises InvalidTemplateException where words name what is not declared."""
    if unknown := sorted(used - declared.names):
        message = _("These variables are not there: %(names)s.") % {"names": ", ".join(unknown)}
        raise InvalidTemplateException.for_field(field, message, "unknown_variable")


def check_required(*, declared: Declared, used: AbstractSet[str], field: str) -> None:
    """Raises InvalidTemplateException where words may leave out what is required."""
    if absent := sorted(declared.required - used):
        message = _("These variables must appear: %(names)s.") % {"names": ", ".join(absent)}
        raise InvalidTemplateException.for_field(field, message, "missing_variable")


def of(channel: Channel) -> list[Declared]:
    """All of one channel."""
    return [declared for declared in DECLARED if declared.channel == channel]
