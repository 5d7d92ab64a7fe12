"""Causes why messages did not arrive, with explanations and advice for staff.

Gateways and reports write the reason in their own words (`Message.last_error`). Each entry matches some of them.
"""

import re
from dataclasses import dataclass
from typing import Any

from django.db.models import Case, Q, Value, When
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from notifications.models import Message
from notifications.models.messages import MessageQuerySet
from notifications.states import LOST, Status


@dataclass(frozen=True)
class Failure:
    """A kind of failure. pattern: a regex for the reason, in Python and databases; statuses: of its messages."""

    code: str
    label: str | Promise
    pattern: str
    why: str | Promise
    what_to_do: str | Promise
    statuses: tuple[Status, ...] = (Status.FAILED, Status.QUEUED)

    def explains(self, message: Message) -> bool:
        """Return whether the message failed in this way."""
        return (
            message.status in self.statuses and re.search(self.pattern, message.last_error, re.IGNORECASE) is not None
        )

    @property
    def condition(self) -> Q:
        """The condition of `explains` for a query."""
        reason = Q(last_error__iregex=self.pattern) if self.pattern else Q()
        return Q(status__in=self.statuses) & reason


_CHECK_THE_ADDRESS = _("Check the address or number with the person, correct it in their account, and send again.")

# The first matching entry is used: specific entries come before general ones.
FAILURES = (
    Failure(
        "uncertain",
        _("Outcome unknown"),
        r"may have been sent|may arrive twice",
        _("The process stopped while it was sending the message. It is unknown whether the message arrived."),
        _("Ask the recipient. Send it again only if a second copy does no harm."),
    ),
    Failure(
        "settings",
        _("Account or settings refused"),
        r"refused the (account or the|sender)|no usable credentials|what EMAIL_URL requires|ENCRYPTION_KEYS",
        _("The provider refused our account, or a setting is wrong. The message itself is in order."),
        _("Contact the operator of the site: the log has the details. Send it again after the correction."),
    ),
    Failure(
        "attachment",
        _("Attachment not readable"),
        r"attachment",
        _("An attachment could not be read from the storage."),
        _("Ask the operator of the site to check the storage of attachments. Send it again once that works."),
    ),
    Failure(
        "bug",
        _("Error in the product"),
        r"^Internal error",
        _("An internal error occurred while the message was being sent."),
        _("Report it with the id of the message: the log has the details."),
    ),
    Failure(
        "unreachable",
        _("Provider not reachable"),
        r"could not be (reached|looked up)|response was lost|^Amazon:|mail server (failed|answered 4\d\d)",
        _("The provider could not be reached, or accepted nothing for the moment."),
        _("While it is queued, it is retried automatically. If it failed permanently, retry it once others arrive."),
    ),
    Failure(
        "recipient",
        _("Address or number not accepted"),
        r"refused every recipient|phone ?number|mailbox|domain of an address|no form that mail servers know",
        _("The provider does not accept the recipient’s address or number."),
        _CHECK_THE_ADDRESS,
    ),
    Failure(
        "paused",
        _("Endpoint paused or deleted"),
        r"endpoint (is paused|was deleted)",
        _("The webhook endpoint is paused or was deleted."),
        _("Activate the endpoint, and deliver it again."),
        (Status.CANCELLED,),
    ),
    Failure(
        "receiver",
        _("Receiver of the webhook"),
        r"The receiver|of the host|connection was refused|^No response|last delivery to the endpoint failed",
        _("The receiver of the webhook could not be reached, or did not accept the event."),
        _("Repair the receiver or its address, and deliver it again."),
    ),
    Failure(
        "refused",
        _("Refused by the provider"),
        "",
        _("The provider refused the message permanently."),
        _("Read the last error. If the content is the cause, correct it and send a new message."),
        (Status.FAILED,),
    ),
    Failure(
        "waits",
        _("Last attempt failed"),
        ".",
        _("The last attempt failed."),
        _("It is retried automatically."),
        (Status.QUEUED,),
    ),
    Failure(
        "bounced_for_good",
        _("Address does not exist"),
        r"permanent|5\.\d+\.\d+|unknown|not exist",
        _("The recipient’s server returned it: the address does not exist or accepts nothing."),
        _CHECK_THE_ADDRESS,
        (Status.BOUNCED,),
    ),
    Failure(
        "bounced",
        _("Returned"),
        "",
        _("The recipient’s server or phone network returned it."),
        _("Read the last error: a full mailbox or a phone that is off may pass. Send a new message later."),
        (Status.BOUNCED,),
    ),
    Failure(
        "complained",
        _("Marked as spam"),
        "",
        _("The recipient marked it as spam. Nothing is sent to this address any more."),
        _("Do not write again unless the person asks for it. Then lift the suppression, with that as the reason."),
        (Status.COMPLAINED,),
    ),
    Failure(
        "suppressed",
        _("Recipient suppressed"),
        "",
        _("It was not sent: the recipient is suppressed or has switched messages of this kind off."),
        _("Find the address in the list of suppressed addresses: the entry has the reason and can be lifted."),
        (Status.SUPPRESSED,),
    ),
    Failure(
        "expired",
        _("Expired"),
        r"before it expired",
        _("It expired before it was sent, as codes do."),
        _("Ask the person to request a new one. If it happens often, look at the queue on the home page."),
        (Status.CANCELLED,),
    ),
    Failure(
        "cancelled",
        _("Cancelled"),
        "",
        _("It was cancelled before it was sent."),
        _("Send a new message if it is needed: a cancelled one has lost its content."),
        (Status.CANCELLED,),
    ),
)


def explain(message: Message) -> Failure | None:
    """Return why the message did not arrive, or not yet; None without a known failure."""
    return next((failure for failure in FAILURES if failure.explains(message)), None)


def with_cause(messages: MessageQuerySet) -> Any:
    """Annotate `cause`: the code of the Failure that `explain` returns, or ''."""
    whens = [When(failure.condition, then=Value(failure.code)) for failure in FAILURES]
    return messages.annotate(cause=Case(*whens, default=Value("")))


def of_lost_messages() -> list[Failure]:
    """Return the failures of messages that finally failed or did not arrive."""
    return [failure for failure in FAILURES if set(failure.statuses) & set(LOST)]
