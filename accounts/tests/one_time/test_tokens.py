"""One-time tokens of links: stored as digests, for one purpose, consumed once."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.exceptions import InvalidTokenException
from accounts.models import OneTimeToken
from accounts.services.one_time import tokens
from accounts.states import TokenPurpose
from foodfleet.core.http.clients import Client

pytestmark = [pytest.mark.django_db, pytest.mark.once]
RESET, VERIFY = TokenPurpose.RESET_PASSWORD, TokenPurpose.VERIFY_EMAIL


def test_a_token_is_found_for_its_purpose_alone(user):
    token = tokens.issue(user, RESET)
    assert tokens.find(token, VERIFY, RESET).user == user
    with pytest.raises(InvalidTokenException):
        tokens.find(token, VERIFY)


def test_only_the_digest_of_a_token_is_stored(user):
    token = tokens.issue(user, RESET)
    assert token not in str(OneTimeToken.objects.values().get())


def test_a_token_is_consumed_once(user):
    token = tokens.issue(user, RESET)
    first, second = tokens.find(token, RESET), tokens.find(token, RESET)
    tokens.consume(first)
    for refused in (lambda: tokens.consume(second), lambda: tokens.find(token, RESET)):
        with pytest.raises(InvalidTokenException):
            refused()


def test_a_token_lasts_as_long_as_its_purpose(user):
    issued_at = timezone.now()
    token = tokens.issue(user, RESET)
    lifetime = OneTimeToken.objects.get().expires_at - issued_at
    assert timedelta(minutes=15) <= lifetime < timedelta(minutes=16)
    OneTimeToken.objects.update(expires_at=timezone.now())
    with pytest.raises(InvalidTokenException):
        tokens.find(token, RESET)


def test_each_purpose_has_a_lifetime():
    assert tokens.LIFETIMES.keys() == set(TokenPurpose)


def test_revoking_ends_the_tokens_of_one_user_and_purpose(user, make_user):
    bob = make_user("bob@example.com")
    revoked, other, bobs = tokens.issue(user, RESET), tokens.issue(user, VERIFY), tokens.issue(bob, RESET)
    tokens.revoke(user, RESET)
    with pytest.raises(InvalidTokenException):
        tokens.find(revoked, RESET)
    assert tokens.find(other, VERIFY).user == user
    assert tokens.find(bobs, RESET).user == bob


def test_many_tokens_are_issued_in_one_query(user, make_user, django_assert_num_queries):
    people = [user, make_user("bob@example.com")]
    with django_assert_num_queries(1):
        issued = tokens.issue_many(people, TokenPurpose.INVITATION)
    assert [tokens.find(token, TokenPurpose.INVITATION).user for token in issued] == people


def test_what_follows_from_a_link_leads_into_the_app_that_requested_it(user):
    of_app = tokens.find(tokens.issue(user, VERIFY, client=Client(frontend="app")), VERIFY)
    without = tokens.find(tokens.issue(user, VERIFY, client=Client()), VERIFY)
    opener = Client(ip="203.0.113.7", frontend="other")
    assert tokens.client_of_link(of_app, opener) == Client(ip="203.0.113.7", frontend="app")
    assert tokens.client_of_link(without, opener) == opener


def test_a_report_token_remembers_the_address_of_its_mail(user):
    token = tokens.issue_report_token(user)
    assert tokens.report_token_owner(token) == user
    assert tokens.find(token, TokenPurpose.COMPROMISE_REPORTED).data == {"email": user.email}
    with pytest.raises(InvalidTokenException):
        tokens.report_token_owner(tokens.issue(user, RESET))
