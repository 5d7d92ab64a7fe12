"""Another password, by somebody who reads the account's mail."""

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
    """Mail a link to choose a password to an address that is confirmed or invited; say nothing otherwise.

    Where somebody signed in to an address that nobody confirmed yet (ACCOUNTS_EMAIL_VERIFICATION=optional), too.

    The address is looked up once the answer has been given, so that no answer's time tells whether it has an account.
    """
    if may_mail(email):
        deferred.enqueue(DeferredJobKind.RESET_LINK, email=email, client=client)


@deferred.job(DeferredJobKind.RESET_LINK)
def mail_link(*, email: str, client: Client) -> None:
    """Mail the link, where there is an account that may have one."""
    with transaction.atomic():
        user = User.objects.with_email(email).filter(is_active=True).first()
        known = user is not None and User.objects.filter(pk=user.pk).reachable().exists()
        if user is not None and (known or first_verification.is_missing(user)):
            _mail_link(user, None, client)


def mail_link_for(*, pk: int, actor: User | None, client: Client) -> User:
    """Mail the link at the wish of staff, who never get to know a password.

    Raises ConflictException where no link may go to the user's address, ThrottledException where the address was
    mailed too often, and as `protections.lock_parties`.
    """
    with transaction.atomic():
        _actor, user = protections.lock_parties(actor, pk, "users:update")
        if not User.objects.filter(pk=pk).reachable().exists():
            raise ConflictException(_("This account is inactive, or its email address is not confirmed."))
        ensure_staff_may_mail(user.email)
        _mail_link(user, actor, client)
    return user


def _mail_link(user: User, actor: User | None, client: Client) -> None:
    token = tokens.issue(user, TokenPurpose.RESET_PASSWORD)
    audit.record(kind=EventKind.PASSWORD_RESET_REQUESTED, user=user, client=client, actor=actor)
    signals.password_reset_requested.send(sender=User, user=user, reset_token=token, client=client)


def find(token: str) -> OneTimeToken:
    """The link of a reset or an invitation, with its user; not spent by looking. Raises InvalidTokenException."""
    found = tokens.find(token, TokenPurpose.RESET_PASSWORD, TokenPurpose.INVITATION)
    if not found.user.is_active:
        raise InvalidTokenException
    return found


def reset(*, token: str, password: str, client: Client) -> User:
    """Take the link as proof of the mailbox: replace the password, end all sessions, open a lock by wrong passwords.

    Signs nobody in: a second factor is asked for as ever, and a lock by staff holds. Where it is the first proof of the
    address, what was set up before is removed. A refused password does not spend the link. Raises
    InvalidTokenException, WeakPasswordException or PasswordReusedException.
    """
    proof = find(token)
    encoded = passwords.validated_hash(proof.user, password)
    with transaction.atomic():
        tokens.consume(proof)
        user: User = User.objects.get_for_update(proof.user_id)
        if not user.is_active:
            raise InvalidTokenException
        if first_verification.is_missing(user):
            first_verification.remove_earlier(user, client)
        passwords.replace(user, encoded)
        sessions.end_all(user, reason=EndReason.PASSWORD_RESET)
        lockout.forget(user.email)
        _announce(user, proof, client)
    return user


def _announce(user: User, proof: OneTimeToken, client: Client) -> None:
    invited = proof.purpose == TokenPurpose.INVITATION
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
