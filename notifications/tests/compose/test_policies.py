"""How each message is sent: its priority, guarantee, kind and lifetime."""

import pytest

from accounts.services.one_time import challenges
from notifications.services.compose.policies import policy_of
from notifications.services.templates import specs
from notifications.states import Channel, Guarantee, Kind, Priority

pytestmark = pytest.mark.once

MAILS = [declared for declared in specs.SPECS if declared.channel == Channel.EMAIL and not declared.by_hand]
# What brings a link or word to an address, before or beside an account, or is about something else than an account;
# `wasnt_me` is the answer to the link itself.
WITHOUT = {
    "account_deleted",
    "already_registered",
    "email_change_confirm",
    "invitation",
    "password_reset",
    "verify_email",
    "wasnt_me",
    "webhook_disabled",
}


@pytest.mark.parametrize("declared", MAILS, ids=lambda declared: declared.name)
def test_a_security_email_has_a_compromise_report_link(declared):
    is_security = policy_of(Channel.EMAIL, declared.name).kind == Kind.SECURITY
    has_link = "not_me_link" in {variable.name for variable in declared.variables}
    hint = "add SECURITY_FACTS to its variables, or a Policy of another kind to POLICIES, or its name to WITHOUT"
    assert has_link == (is_security and declared.name not in WITHOUT), hint


@pytest.mark.parametrize("template", ["2fa_code", "phone_verification"])
def test_a_code_is_sent_first_and_never_twice(template):
    policy = policy_of(Channel.SMS, template)
    assert (policy.priority, policy.guarantee) == (Priority.CODE, Guarantee.AT_MOST_ONCE)
    assert policy.lifetime is not None
    assert policy.lifetime <= challenges.LIFETIME, "nobody gets a code that is no longer valid"


def test_a_message_without_an_entry_is_about_security():
    policy = policy_of(Channel.EMAIL, "password_changed")
    assert (policy.kind, policy.lifetime) == (Kind.SECURITY, None)
