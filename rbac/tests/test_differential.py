"""The services, with all caches, against a small model that recomputes everything."""

import os
import time
from datetime import UTC, datetime, timedelta
from math import ceil

import pytest
from django.core.signals import request_started
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import User
from foodfleet.core.exceptions import BaseAppException, ValidationException
from rbac.exceptions import RoleInUseException, RoleNotFoundException
from rbac.models import Role, RoleAssignment, RoleInclusion, RoleRevision
from rbac.services import assignments, decisions, explanations, roles

pytestmark = pytest.mark.django_db(transaction=True)

CASES = int(os.environ.get("DIFFERENTIAL_CASES", "60"))  # 1,000 prove it; these fit into a suite
CODENAMES = ("users:read", "users:delete", "roles:read")
SCOPES = ("", "fleet:1", "fleet:2")
NAMES, PEOPLE = range(4), range(2)

QUESTIONS = [(person, codename, scope) for codename in CODENAMES for scope in SCOPES[::-1] for person in PEOPLE]

names, people, scopes = st.sampled_from(NAMES), st.sampled_from(PEOPLE), st.sampled_from(SCOPES)
codenames = st.frozensets(st.sampled_from(CODENAMES))
ends = st.none() | st.integers(1, 40)
changes = st.one_of(
    st.tuples(st.just("create"), names, codenames),
    st.tuples(st.just("permit"), names, codenames),
    st.tuples(st.just("include"), names, st.frozensets(names, max_size=2)),
    st.tuples(st.just("delete"), names),
    *[st.tuples(st.just("grant"), people, names, scopes, ends)] * 3,
    st.tuples(st.just("revoke"), people, names, st.none() | scopes),
)
steps = st.one_of(
    *[changes] * 4,
    st.tuples(st.just("roll_back"), changes),
    st.tuples(st.just("wait"), st.integers(1, 20)),
    st.tuples(st.just("next_request")),
)


class Model:
    """Roles by name as (codenames, included names), and what each person holds until when."""

    def __init__(self):
        self.roles, self.assignments = {}, {}

    def reach(self, name):
        return {name}.union(*(self.reach(inner) for inner in self.roles[name][1]))

    def has(self, person, codename, scope, now):
        return any(
            codename in self.roles[member][0]
            for (who, name, where), end in self.assignments.items()
            if who == person and where in ("", scope) and (end is None or end > now)
            for member in self.reach(name)
        )

    def change(self, kind, *how):
        """Apply the change; return the exception that it must raise, or None."""
        return getattr(self, f"_{kind}")(*how)

    def _create(self, name, codenames):
        self.roles[name] = (codenames, frozenset())

    def _permit(self, name, codenames):
        self.roles[name] = (codenames, self.roles[name][1])

    def _include(self, name, inner):
        if not inner <= self.roles.keys() or any(name in self.reach(one) for one in inner):
            return ValidationException
        self.roles[name] = (self.roles[name][0], inner)
        return None

    def _delete(self, name):
        if any(assignment == name for _, assignment, _ in self.assignments) or any(
            name in inner for _, inner in self.roles.values()
        ):
            return RoleInUseException
        del self.roles[name]
        return None

    def _grant(self, person, name, scope, end):
        self.assignments[person, name, scope] = end

    def _revoke(self, person, name, scope):
        gone = [key for key in self.assignments if key[:2] == (person, name) and scope in (None, key[2])]
        for key in gone:
            del self.assignments[key]
        return None if gone else RoleNotFoundException


class Case:
    """One sequence of steps, done to the services and to the model, and compared after each."""

    def __init__(self, users):
        self.users = [User.objects.get(pk=user.pk) for user in users]
        self.rows, self.model = {}, Model()
        self.now = float(ceil(time.time()))  # whole seconds: the database keeps no more than microseconds
        self.past = []

    def clock(self):
        return self.now

    def step(self, kind, *how):
        if kind == "wait":
            self.now += how[0]
        elif kind == "next_request":
            request_started.send(sender=Case)
        elif kind == "roll_back":
            self.roll_back(how[0])
        else:
            self.change(kind, *how)
        self.compare()
        self.remember()

    def remember(self):
        """Record one decision of now, a different one each time; three times of four an allowed one."""
        now, number_of_run = datetime.now(UTC), len(self.past)
        requested = [QUESTIONS[(number_of_run + number) % len(QUESTIONS)] for number in range(len(QUESTIONS))]
        answers = {question: self.model.has(*question, now.timestamp()) for question in requested}
        question = next((one for one in requested if answers[one]), requested[0]) if number_of_run % 4 else requested[0]
        self.past.append((now, *question, answers[question]))

    def compare_history(self):
        """Explanations of half of the past times match what was decided then."""
        for now, person, codename, scope, expected in self.past[1::2]:
            then = explanations.explain(user=self.users[person], permission=codename, scope=scope, at=now)
            assert then.allowed is expected, (now, person, codename, scope)
            assert bool(then.because) is expected

    def roll_back(self, change):
        """Decisions made in a rolled-back transaction must not be cached."""
        before, rows = Model(), dict(self.rows)
        before.roles, before.assignments = dict(self.model.roles), dict(self.model.assignments)
        with transaction.atomic():
            self.change(*change)
            self.compare()
            transaction.set_rollback(True)
        self.model, self.rows = before, rows

    def change(self, kind, *how):
        name = {"grant": 1, "revoke": 1}.get(kind, 0)
        if (how[name] in self.rows) == (kind == "create"):
            return  # there is no such role, or there is one already
        if kind == "grant" and how[3] is not None:
            how = (*how[:3], self.now + how[3])
        expected, raised = self.model.change(kind, *how), None
        try:
            getattr(self, f"_{kind}")(*how)
        except BaseAppException as error:
            raised = type(error)
        assert raised is expected

    def compare(self):
        for person, user in enumerate(self.users):
            for codename in CODENAMES:
                for scope in SCOPES:
                    expected = self.model.has(person, codename, scope, self.now)
                    assert decisions.has(user, codename, scope or None, self.clock) is expected, (
                        person,
                        codename,
                        scope,
                    )

    def _create(self, name, codenames):
        edit = roles.RoleEdit(name=f"role {name}", permissions=sorted(codenames))
        self.rows[name] = roles.create(actor=None, edit=edit)

    def _permit(self, name, codenames):
        roles.update(actor=None, role=self.rows[name], edit=roles.RoleEdit(permissions=sorted(codenames)))

    def _include(self, name, inner):
        ids = [self.rows[one].pk if one in self.rows else 10**9 + one for one in sorted(inner)]
        roles.update(actor=None, role=self.rows[name], edit=roles.RoleEdit(includes=ids))

    def _delete(self, name):
        roles.delete(actor=None, role=self.rows[name])
        del self.rows[name]

    def _grant(self, person, name, scope, end):
        end = None if end is None else datetime.fromtimestamp(end, UTC)
        assignments.grant(actor=None, user=self.users[person], role=self.rows[name], scope=scope, expires_at=end)

    def _revoke(self, person, name, scope):
        assignments.revoke(actor=None, user=self.users[person], role=self.rows[name], scope=scope)


@pytest.fixture
def users(make_user):
    return [make_user(f"person{number}@example.com") for number in PEOPLE]


def start_over():
    """Nothing of the last case stays."""
    made = Role.objects.filter(is_system=False)
    with transaction.atomic():
        for history in (RoleAssignment.objects.all(), RoleRevision.objects.filter(role__in=made)):
            history._raw_delete(history.db)  # what the ORM does not delete
        RoleInclusion.objects.all().delete()
        made.delete()


def test_services_decide_like_a_model_that_recomputes_everything(users):
    compared = 0

    @settings(max_examples=CASES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(codenames, min_size=1, max_size=3), st.lists(steps, min_size=3, max_size=14))
    def explore(first, rest):
        nonlocal compared
        start_over()
        case = Case(users)
        for number, assignment in enumerate(first):
            case.step("create", number, assignment)
        for step in rest:
            case.step(*step)
        case.compare_history()
        compared += 1

    explore()
    print(f"{compared} cases, 0 differences")


def test_permissions_from_a_rolled_back_change_are_not_remembered(users):
    ann = users[0]
    role = roles.create(actor=None, edit=roles.RoleEdit(name="reader", permissions=["users:read"]))
    with transaction.atomic():
        assignments.grant(actor=None, user=ann, role=role, expires_at=datetime.now(UTC) + timedelta(hours=1))
        assert ann.has_perm("users:read")
        transaction.set_rollback(True)
    assert not ann.has_perm("users:read")
    with transaction.atomic():
        with transaction.atomic():
            assignments.grant(actor=None, user=ann, role=role)
            assert ann.has_perm("users:read")
            transaction.set_rollback(True)
        assert not ann.has_perm("users:read")
