"""Messages as people look for them."""

import json
from functools import reduce
from operator import or_
from uuid import UUID

from django.db import connections
from django.db.models import Q, Value
from django.db.models.functions import Lower

from notifications.querysets.ages import AgingMessages

MOST_WITH_ONE_ID = 50
MOST_WORDS = 10  # each reads every message that is left: hundreds of words would keep the database busy for seconds


class ListedMessages(AgingMessages):
    """Messages for lists: without what is large or secret, with their timelines in one query more."""

    def listed(
        self, *, channel: str | None = None, status: str | None = None, template: str | None = None, words: str = ""
    ) -> "ListedMessages":
        """Those of a channel, a state, a template, that hold all the words; None: of any."""
        wanted = {"channel": channel, "status": status, "template": template}
        found = self.filter(**{name: value for name, value in wanted.items() if value is not None})
        return found.search(words).defer("payload").prefetch_related("events")

    def with_provider_id(self, provider_message_id: str) -> "ListedMessages":
        """The one that the provider knows by this id."""
        return self.filter(provider_message_id=provider_message_id).exclude(provider_message_id="")

    def search(self, words: str) -> "ListedMessages":
        """All the words in recipient, subject, template, or as one of the ids; the first ten count.

        On PostgreSQL along an index of all of it but the provider's id, which has one of its own.
        """
        found = self
        if connections[self.db].vendor == "postgresql":
            for word in words.split(maxsplit=MOST_WORDS)[:MOST_WORDS]:
                known = self._known_as(word)
                found = found.filter(pk__in=known) if known else found.filter(_in_text(word))
            return found
        for word in words.split(maxsplit=MOST_WORDS)[:MOST_WORDS]:
            found = found.filter(
                Q(to__icontains=json.dumps(word, ensure_ascii=False)[1:-1])  # as it stands in the column
                | Q(subject__icontains=word)
                | Q(template__icontains=word)
                | Q(provider_message_id=word)
                | Q(request_id=word)
                | _with_id(word)
            )
        return found

    def _known_as(self, word: str) -> list[UUID]:
        """The keys of those that have this very id: ours, the provider's or the request's."""
        every = self.model._default_manager.using(self.db)
        by_provider = every.filter(provider_message_id=word).exclude(provider_message_id="")
        own = every.filter(_with_id(word)) if _with_id(word) else every.none()
        by_request = every.filter(search_text__request_id=word).exclude(search_text__request_id="")
        return [
            key
            for some in (by_provider, by_request, own)
            for key in some.values_list("pk", flat=True)[:MOST_WITH_ONE_ID]
        ]


def _in_text(word: str) -> Q:
    """Recipients stand there as JSON, and so do their quotes."""
    forms = {word, json.dumps(word, ensure_ascii=False)[1:-1]}
    return reduce(or_, (Q(search_text__text__contains=Lower(Value(form))) for form in forms))


def _with_id(word: str) -> Q:
    try:
        return Q(pk=UUID(word))
    except ValueError:
        return Q()
