"""Messages as people look for them."""

import json
from uuid import UUID

from django.db.models import Q

from notifications.querysets.ages import AgingMessages

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
        """All the words in recipient, subject, template, or as one of the ids; the first ten count."""
        found = self
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


def _with_id(word: str) -> Q:
    try:
        return Q(pk=UUID(word))
    except ValueError:
        return Q()
