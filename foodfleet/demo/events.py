"""A month of security events of the demo company."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from accounts.models import SecurityEvent, User
from accounts.services import statistics
from accounts.services.limits import lockout
from accounts.states import EventKind
from foodfleet.core.cache import rate_limits
from foodfleet.core.models import RateLimit
from foodfleet.demo.people import MONTH, NETWORKS, Company
from rbac.permissions import SUPPORT

DAY = timedelta(days=1)
ATTACK = timedelta(days=3, hours=5)  # ago: somebody tried stolen passwords
LOCKED_OUT = 7  # people whom wrong passwords lock out now
BATCH = 5000
OFTEN = {
    EventKind.PASSWORD_CHANGED: 3, EventKind.PASSWORD_RESET_REQUESTED: 4, EventKind.PASSWORD_RESET: 3,
    EventKind.TWO_FACTOR_ENABLED: 2, EventKind.PASSKEY_ADDED: 1, EventKind.BACKUP_CODE_USED: 0.5,
    EventKind.PHONE_CHANGED: 1.5, EventKind.EMAIL_CHANGED: 0.5, EventKind.DATA_EXPORTED: 0.3,
}  # fmt: skip
BY_STAFF = {EventKind.USER_UPDATED: 2, EventKind.SESSIONS_ENDED: 0.6, EventKind.UNLOCKED: 0.8}
REASONS = ("Lost the phone", "Left the company", "Sign-ins from abroad", "Asked by the fleet manager")


def create(company: Company) -> None:
    """Create the events, and count them for the home page."""
    found = [event for user in company.people for event in _of_user(company, user)]
    found += _of_attack(company)
    found.sort(key=lambda event: event.created_at)
    SecurityEvent.objects.bulk_create(found, batch_size=BATCH)
    statistics.count_events()


def _of_user(company: Company, user: User) -> Iterator[SecurityEvent]:
    begin = company.now - MONTH
    if user.created_at > begin:
        kind = EventKind.REGISTERED if user.invited_at is None else EventKind.USER_INVITED
        yield _event(company, user, kind, user.created_at, actor=_support(company) if user.invited_at else None)
    if user.email_verified_at is not None and user.email_verified_at > begin:
        yield _event(company, user, EventKind.EMAIL_VERIFIED, user.email_verified_at)
    if user.locked_at is not None:
        reason = {"reason": company.random.choice(REASONS)}
        yield _event(company, user, EventKind.LOCKED, user.locked_at, actor=_support(company), details=reason)
    if user.last_login is None:
        return
    yield from _sign_ins(company, user)
    for kinds, actor in ((OFTEN, None), (BY_STAFF, _support(company))):
        for kind, per_cent in kinds.items():
            if company.chance(per_cent):
                yield _event(company, user, kind, company.before(MONTH), actor=actor)


def _sign_ins(company: Company, user: User) -> Iterator[SecurityEvent]:
    """Yield the sign-ins up to the last one, on working days of each person, with wrong passwords now and then."""
    random, at, diligence = company.random, user.last_login, 0.15 + 0.5 * company.random.random()
    session = company.sessions.get(user.pk)
    since = max(company.now - MONTH, user.email_verified_at or user.created_at)
    while at is not None and at > since:
        if company.chance(6):
            yield _event(company, user, EventKind.SIGN_IN_FAILED, at - timedelta(seconds=40))
        event = _event(company, user, EventKind.SIGNED_IN, at)
        event.session_id, session = session.pk if session else None, None
        yield event
        if company.chance(15) and (end := at + timedelta(hours=8)) < company.now:
            yield _event(company, user, EventKind.SIGNED_OUT, end)
        at -= timedelta(days=1 + int(random.expovariate(diligence)), minutes=random.randint(-240, 240))


def _of_attack(company: Company) -> Iterator[SecurityEvent]:
    begin = company.now - ATTACK
    for user in company.random.sample(company.people, k=min(400, len(company.people) // 10)):
        at = begin + timedelta(hours=2) * company.random.random()
        event = _event(company, user, EventKind.SIGN_IN_FAILED, at)
        event.ip, event.user_agent = f"{NETWORKS[1]}.{company.random.randint(251, 254)}", "python-requests/2.32"
        yield event


def _support(company: Company) -> User | None:
    agents = company.staff(SUPPORT)
    return company.random.choice(agents) if agents else None


def _event(company: Company, user: User, kind: EventKind, at: datetime, **more: Any) -> SecurityEvent:
    ip, device = company.client_of(more.get("actor") or user)
    return SecurityEvent(kind=kind, user=user, created_at=min(at, company.now), ip=ip, user_agent=device, **more)


def lock_out(company: Company) -> None:
    """Lock some people out by wrong passwords. Call it outside a transaction: attempts commit on their own."""
    unlocked = [one for one in company.people if one.last_login and one.is_active and one.locked_at is None]
    for user in unlocked[-LOCKED_OUT:]:
        for _try in range(lockout.ATTEMPTS):
            attempt = lockout.reserve_attempt(email=user.email)
        rate_limits.set_subject(attempt.key, user.pk)
        until = company.now + timedelta(minutes=company.random.randint(20, 600))
        RateLimit.objects.filter(subject=user.pk).update(blocked_until=until)
        SecurityEvent.objects.create(kind=EventKind.SIGN_IN_LOCKED, user=user, ip=company.client_of(user)[0])
