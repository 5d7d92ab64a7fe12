"""The people of the demo company: accounts in every state, their roles, scopes, MFA methods and sessions."""

from base64 import b32encode, urlsafe_b64encode
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from random import Random
from uuid import UUID

from django.contrib.auth.hashers import make_password

from accounts.models import MFAReset, Passkey, Session, TOTPDevice, User
from foodfleet.demo import names, places
from rbac.models import Role, RoleAssignment, ScopeMembership
from rbac.permissions import ADMINISTRATOR, AUDITOR, DISPATCHER, DRIVER, FLEET_MANAGER, KITCHEN, ROLES, SUPPORT
from rbac.services import users as role_holders

PASSWORD = "Demo-Fleet-2026!"
RESETS = 6  # requests for two-factor resets
DOMAIN = "example.com"  # RFC 2606: mail to it reaches nobody
MONTH = timedelta(days=30)
# Roles in per cent of the people; the others have none.
SHARES = {DRIVER: 44, KITCHEN: 34, DISPATCHER: 6, FLEET_MANAGER: 2, SUPPORT: 1, AUDITOR: 0.3, ADMINISTRATOR: 0.2}
WORKS_IN_ADMIN = {ADMINISTRATOR, FLEET_MANAGER, DISPATCHER, SUPPORT, AUDITOR}
EVERYWHERE = {ADMINISTRATOR, SUPPORT, AUDITOR}
ENGINE = "AppleWebKit/537.36 (KHTML, like Gecko)"
APPLE = "AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1"
DEVICES = (
    f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {ENGINE} Chrome/141.0.0.0 Safari/537.36",
    f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {APPLE} Safari/605.1.15",
    f"Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) {APPLE} Mobile/15E148 Safari/604.1",
    f"Mozilla/5.0 (Linux; Android 15; Pixel 9) {ENGINE} Chrome/141.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0",
)
NETWORKS = ("192.0.2", "198.51.100", "203.0.113")  # RFC 5737: reserved for documentation


@dataclass
class Company:
    """The generated company: the same for the same seed and number of people, with times relative to `now`."""

    random: Random
    now: datetime
    people: list[User] = field(default_factory=list)
    roles: dict[int, str] = field(default_factory=dict)  # the name of each person's role, by the person's id
    holders: dict[str, list[User]] = field(default_factory=dict)  # by role: those who can sign in
    sessions: dict[int, Session] = field(default_factory=dict)  # the newest of each person

    def before(self, most: timedelta, least: timedelta = timedelta()) -> datetime:
        """Return a time between `most` and `least` ago."""
        return self.now - least - (most - least) * self.random.random()

    def chance(self, per_cent: float) -> bool:
        """Return True with this probability in per cent."""
        return self.random.random() * 100 < per_cent

    def uuid(self) -> UUID:
        """Return an id."""
        return UUID(int=self.random.getrandbits(128), version=4)

    def client_of(self, user: User) -> tuple[str, str]:
        """Return the IP address and the user agent that the person mostly uses."""
        network, host = NETWORKS[user.pk % len(NETWORKS)], 1 + user.pk * 7 % 250
        return f"{network}.{host}", DEVICES[user.pk // 3 % len(DEVICES)]

    def staff(self, role: str) -> list[User]:
        """Return the holders of a role who can sign in."""
        return self.holders.get(role, [])


def sign_in_address(role: str) -> str:
    """Return the address of the account with a default role, such as fleet.manager@example.com."""
    return f"{role.lower().replace(' ', '.')}@{DOMAIN}"


def create_people(company: Company, count: int) -> None:
    """Create the accounts, and everything that belongs to them."""
    known, secret = make_password(PASSWORD), make_password(b32encode(company.random.randbytes(20)).decode())
    found = list(islice(names.people(company.random), count))
    shown = list(zip(found, ROLES, strict=False))
    users = [_of_default_role(company, name, role.name, known) for name, role in shown]
    users += [_user(company, name, secret) for name in found[len(shown) :]]
    company.people = User.objects.bulk_create(users)
    role_holders.record_new(company.people)
    _empty_deleted(company)
    _assign(company, [role.name for _name, role in shown])
    _add_mfa(company, len(shown))
    _open_sessions(company)


def _of_default_role(company: Company, name: names.Name, role: str, password: str) -> User:
    user = User(email=sign_in_address(role), first_name=name.first, last_name=name.last, password=password)
    user.is_staff = role in WORKS_IN_ADMIN
    user.created_at = user.email_verified_at = company.before(timedelta(days=900), timedelta(days=800))
    user.last_login = company.before(timedelta(days=1))
    return user


def _user(company: Company, name: names.Name, password: str) -> User:
    """Return a person in a random state: four per cent have not accepted their invitation, and so on."""
    random = company.random
    made = company.before(MONTH if company.chance(4) else timedelta(days=900))
    user = User(
        email=f"{name.mailbox}@{DOMAIN}", first_name=name.first, last_name=name.last, language=name.language,
        password=password, created_at=made, phone=_number(company) if company.chance(70) else "",
    )  # fmt: skip
    state = random.random() * 100
    if state < 4:
        user.created_at = user.invited_at = company.before(MONTH)
        user.password = make_password(None)
        return user
    if state < 5:
        return user  # registered, and has not confirmed the address
    user.email_verified_at = made + timedelta(minutes=random.randint(2, 600))
    if user.phone and company.chance(80):
        user.phone_verified_at = user.email_verified_at
    user.last_login = _last_login(company, user.email_verified_at)
    if state < 7:
        user.is_active = False
    elif state < 8 and made < company.now - MONTH:
        user.locked_at = company.before(timedelta(days=9))
        if user.last_login is not None:  # nobody signs in after that
            user.last_login = min(user.last_login, user.locked_at - timedelta(hours=random.randint(1, 60)))
    elif state < 9:
        user.must_change_password = True
    elif state < 9.2:
        user.deletion_due_at = company.now + timedelta(days=random.randint(1, 13))
    elif state < 11 and made < company.now - MONTH:
        user.deleted_at = company.before(MONTH)
    return user


def _last_login(company: Company, since: datetime) -> datetime | None:
    if company.chance(3):
        return None
    ago = timedelta(days=company.random.expovariate(1 / 4) if company.chance(80) else company.random.uniform(20, 300))
    return max(since, company.now - ago)


def _number(company: Company) -> str:
    """Return a number that is reserved for fiction: 555-01xx in the USA, 0176 040690xx in Germany."""
    random = company.random
    if company.chance(40):
        return f"+49176040690{random.randrange(100):02}"
    return f"+1{random.choice((202, 212, 303, 312, 415, 503, 617, 702, 808, 907))}55501{random.randrange(100):02}"


def _empty_deleted(company: Company) -> None:
    """Empty the rows of deleted people, as a deletion does."""
    remaining = []
    for user in company.people:
        if user.deleted_at is None:
            remaining.append(user)
            continue
        user.email = f"deleted-{user.pk}@deleted.invalid"
        user.first_name = user.last_name = user.phone = user.language = ""
        user.password, user.is_active, user.last_login = make_password(None), False, None
        user.email_verified_at = user.phone_verified_at = None
        user.save(update_fields=[
            "email", "first_name", "last_name", "phone", "language", "password", "is_active", "last_login",
            "email_verified_at", "phone_verified_at",
        ])  # fmt: skip
    company.people = remaining


def _assign(company: Company, shown: list[str]) -> None:
    roles = {role.name: role for role in Role.objects.live().filter(name__in=SHARES)}
    assignments, members, staff = [], [], []
    for number, user in enumerate(company.people):
        if number < len(shown):
            name = shown[number]
        else:
            without = 100 - sum(SHARES.values())
            name = company.random.choices([*SHARES, ""], [*SHARES.values(), without])[0]
        place = places.of(company.random, is_kitchen=name == KITCHEN)
        members.append(ScopeMembership(scope_id=place, user=user, created_at=user.created_at))
        if not name:
            continue
        company.roles[user.pk] = name
        if user.last_login is not None:
            company.holders.setdefault(name, []).append(user)
        is_wide = name in EVERYWHERE or (number < len(shown) and name in WORKS_IN_ADMIN)
        one = RoleAssignment(user=user, role=roles[name], scope="" if is_wide else place, granted_at=user.created_at)
        if company.chance(4) and not is_wide:
            one.expires_at = company.now + timedelta(days=company.random.randint(2, 90))
        assignments.append(one)
        if name in WORKS_IN_ADMIN and number >= len(shown):
            staff.append(user.pk)
    RoleAssignment.objects.bulk_create(assignments)
    ScopeMembership.objects.bulk_create(members)
    User.objects.filter(pk__in=staff).update(is_staff=True)


def _add_mfa(company: Company, shown: int) -> None:
    """Add authenticator apps and passkeys, but not to the accounts of default roles, which are used to sign in."""
    apps, passkeys = [], []
    for user in company.people[shown:]:
        if user.last_login is None:
            continue
        is_staff = company.roles.get(user.pk) in WORKS_IN_ADMIN
        if company.chance(85 if is_staff else 25):
            secret = TOTPDevice.encrypt_secret(b32encode(company.random.randbytes(20)).decode())
            apps.append(TOTPDevice(user=user, secret=secret, confirmed_at=user.email_verified_at))
        if company.chance(30 if is_staff else 7):
            passkeys.append(
                Passkey(
                    user=user, name=company.random.choice(("Phone", "Laptop", "Security key")),
                    credential_id=urlsafe_b64encode(company.random.randbytes(24)).decode(),
                    public_key=urlsafe_b64encode(company.random.randbytes(48)).decode(),
                )
            )  # fmt: skip
    TOTPDevice.objects.bulk_create(apps)
    Passkey.objects.bulk_create(passkeys)
    drivers = [app.user for app in apps if company.roles.get(app.user_id) == DRIVER]
    _request_resets(company, drivers[:RESETS])


def _request_resets(company: Company, users: list[User]) -> None:
    """Add requests for two-factor resets: most wait for a second person's approval, the others were cancelled."""
    support = company.staff(SUPPORT)
    for user in users if support else ():
        requested = company.before(timedelta(days=2))
        reset = MFAReset(user=user, reason="Lost the phone", requested_by=support[0], requested_at=requested)
        if company.chance(40):
            reset.cancelled_at = requested + timedelta(hours=3)
        reset.save(force_insert=True)


def _open_sessions(company: Company) -> None:
    sessions = []
    for user in company.people:
        if user.last_login is None or user.locked_at or not user.is_active or user.last_login < company.now - MONTH / 3:
            continue
        for number in range(1 + company.chance(35)):
            ip, device = company.client_of(user)
            began = user.last_login - timedelta(days=number * company.random.randint(1, 6))
            used = min(company.now, began + timedelta(hours=8 * company.random.random()))
            sessions.append(
                Session(
                    id=company.uuid(), user=user, ip=ip, user_agent=DEVICES[(DEVICES.index(device) + number) % 5],
                    created_at=began, last_used_at=used, expires_at=company.now + MONTH, amr="pwd",
                )
            )  # fmt: skip
            company.sessions.setdefault(user.pk, sessions[-1])
    Session.objects.bulk_create(sessions)
