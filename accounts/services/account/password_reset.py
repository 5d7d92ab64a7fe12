"""Password resets by e-mail."""

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts import signals
from accounts.exceptions import InvalidTokenException
from accounts.models import OneTimeToken, User
from accounts.services import audit, deferred
from accounts.services.account import first_verification
from accounts.services.limits import lockout
from accounts.services.one_time import tokens
from accounts.services.passwords import passwords
from accounts.services.sessions import sessions
from accounts.services.staff import protections
from accounts.states import DeferredJobKind, EndReason, EventKind, TokenPurpose
from foodfleet.core.exceptions import ConflictException
from foodfleet.core.http.clients import Client
from foodfleet.core.mailbox_limits import ensure_staff_may_mail, may_mail


def request(*, email: str, client: Client) -> None:
    """Mail a link to choose a password if the address has an account and is confirmed or invited.

    An unconfirmed address gets one too if somebody has signed in to its account
    (ACCOUNTS_EMAIL_VERIFICATION=optional). The lookup is a deferred job, so that neither the response nor its time
    reveals whether the address has an account.
    """
    if may_mail(email):
        deferred.enqueue(DeferredJobKind.RESET_LINK, email=email, client=client)


@deferred.job(DeferredJobKind.RESET_LINK)
def mail_link(*, email: str, client: Client) -> None:
    """Mail the link if the address has an account that may get one."""
    with transaction.atomic():
        user = User.objects.with_email(email).filter(is_active=True).first()
        is_reachable = user is not None and User.objects.filter(pk=user.pk).reachable().exists()
        if user is not None and (is_reachable or first_verification.is_pending(user)):
            _mail_link(user, None, client)


def mail_link_for(*, pk: int, actor: User | None, client: Client) -> User:
    """Mail the link on behalf of staff.

    Raises ConflictException if the address may not get a link, ThrottledException if it was mailed too often, and the
    exceptions of `protections.lock_parties`.
    """
    with transaction.atomic():
        _actor, user = protections.lock_parties(actor, pk, "users:update")
        if not User.objects.filter(pk=pk).reachable().exists():
            raise ConflictException(_("This account is inactive, or its email address is not confirmed."))
        ensure_staff_may_mail(user.email)
        _mail_link(user, actor, client)
    return user


def _mail_link(user: User, actor: User | None, client: Client) -> None:
    token = tokens.issue(user, TokenPurpose.RESET_PASSWORD, client=client)
    audit.record(kind=EventKind.PASSWORD_RESET_REQUESTED, user=user, client=client, actor=actor)
    signals.password_reset_requested.send(sender=User, user=user, reset_token=token, client=client)


def find(token: str) -> OneTimeToken:
    """Return the token of a reset or an invitation without consuming it. Raises InvalidTokenException."""
    found = tokens.find(token, TokenPurpose.RESET_PASSWORD, TokenPurpose.INVITATION)
    if not found.user.is_active:
        raise InvalidTokenException
    return found


def reset(*, token: str, password: str, client: Client) -> User:
    """Replace the password, end all sessions and remove a lock by wrong passwords.

    The user is not signed in: the sign-in that follows requires MFA as usual, and a lock by staff stays. If this is the
    first verification of the address, `first_verification.remove_earlier_access` runs. A rejected password does not
    consume the token. Raises InvalidTokenException, WeakPasswordException or PasswordReusedException.
    """
    found = find(token)
    encoded = passwords.validated_hash(found.user, password)
    with transaction.atomic():
        tokens.consume(found)
        client = tokens.client_of_link(found, client)
        user: User = User.objects.get_for_update(found.user_id)
        if not user.is_active:
            raise InvalidTokenException
        if first_verification.is_pending(user):
            first_verification.remove_earlier_access(user, client)
        passwords.replace(user, encoded)
        sessions.end_all(user, reason=EndReason.PASSWORD_RESET)
        lockout.forget(user.email)
        _announce(user, found, client)
    return user


def _announce(user: User, found: OneTimeToken, client: Client) -> None:
    invited = found.purpose == TokenPurpose.INVITATION
    kind = EventKind.INVITATION_ACCEPTED if invited else EventKind.PASSWORD_RESET
    audit.record(kind=kind, user=user, client=client)
    if not user.is_email_verified:
        user.email_verified_at = timezone.now()
        user.save(update_fields=["email_verified_at"])
        audit.record(kind=EventKind.EMAIL_VERIFIED, user=user, client=client)
        signals.email_verified.send(sender=User, user=user, client=client)
    if not invited:
        signals.password_reset_done.send(
            sender=User, user=user, report_token=tokens.issue_report_token(user), client=client
        )
