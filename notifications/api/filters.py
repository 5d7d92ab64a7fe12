"""Filters of the lists of messages and SMS templates."""

from django_filters import CharFilter

from foodfleet.core.http.lists.filters import OneOfFilter, SearchFilterSet, TrueFalseFilter
from notifications.states import Channel, Status


class MessageFilter(SearchFilterSet):
    """Filters of the list of messages."""

    channel = OneOfFilter(Channel.choices)
    status = OneOfFilter(Status.choices)
    template = CharFilter()
    search = CharFilter(method="find", help_text="Up to ten words from the recipient, subject, template or ID.")


class SmsTemplateFilter(SearchFilterSet):
    """Filters of the list of SMS templates."""

    is_active = TrueFalseFilter()
