"""What a request asks for and its answer does not wait for, so that the answer's time tells nothing.

An errand is a row, written before the answer: a process that dies after its answer leaves it to the sweep, and where
the database cannot be written the request fails instead of promising what nobody will do.
"""

from datetime import datetime, timedelta
from functools import partial
from typing import Any

import structlog
from django.db import transaction
from django.utils import timezone
from django.utils.module_loading import import_string

from accounts.models import Errand
from accounts.states import ErrandKind
from foodfleet.core.http import after_response
from foodfleet.core.http.clients import Client

logger = structlog.get_logger(__name__)

CARRIED_OUT_BY = {
    ErrandKind.RESET_LINK: "accounts.services.account.password_reset.mail_link",
    ErrandKind.CONFIRMATION: "accounts.services.account.registration.mail_confirmation_again",
    ErrandKind.LOCK: "accounts.services.limits.lockout.tell_of_lock",
}
IN_HAND_FOR = timedelta(seconds=30)  # after so long whoever answered is taken for dead
TRIED_FOR = timedelta(days=1)
BATCH = 500


def leave(kind: ErrandKind, *, client: Client, **details: Any) -> None:
    """Have `kind` carried out with these details (JSON) once the present request is answered."""
    about = {"ip": client.ip, "user_agent": client.user_agent, "request_id": client.request_id}
    errand = Errand.objects.create(kind=kind, details={**details, "client": about})
    after_response.run(partial(carry_out, errand.pk))


def carry_out(pk: int) -> bool:
    """Do one errand, with its removal in one transaction; False where somebody else did or does."""
    with transaction.atomic():
        errand = Errand.objects.taken(pk)
        if errand is None:
            return False
        about = dict(errand.details)
        import_string(CARRIED_OUT_BY[ErrandKind(errand.kind)])(client=Client(**about.pop("client")), **about)
        errand.delete()
    return True


def sweep(now: datetime | None = None) -> int:
    """Do what was left behind; returns how many. What fails for a day is given up, with an error in the log."""
    now = now or timezone.now()
    done = 0
    for pk, created_at in Errand.objects.left_behind(now - IN_HAND_FOR).values_list("pk", "created_at")[:BATCH]:
        try:
            done += carry_out(pk)
        except Exception:
            is_over = created_at < now - TRIED_FOR
            logger.exception("errand_failed", errand=pk, given_up=is_over)
            if is_over:
                Errand.objects.filter(pk=pk).delete()
    return done
