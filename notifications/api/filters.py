"""Filters of the lists of messages, templates and suppressions."""

from django.conf import settings
from django_filters import CharFilter, FilterSet

from foodfleet.core.http.lists.filters import (
    MAX_SEARCH_LENGTH,
    OneOfFilter,
    SearchFilterSet,
    TrueFalseFilter,
    UTCDateTimeFilter,
)
from notifications.states import OPTIONAL_KINDS, TO_PEOPLE_CHOICES, Kind, Status, SuppressionReason


class MessageFilter(SearchFilterSet):
    """Filters of the list of messages."""

    channel = OneOfFilter(TO_PEOPLE_CHOICES)
    status = OneOfFilter(Status.choices)
    kind = OneOfFilter(Kind.choices)
    template = CharFilter()
    since = UTCDateTimeFilter(field_name="created_at", lookup_expr="gte", help_text="Created at or after this time.")
    until = UTCDateTimeFilter(field_name="created_at", lookup_expr="lt", help_text="Created before this time.")
    search = CharFilter(
        method="find",
        max_length=MAX_SEARCH_LENGTH,
        help_text="Up to ten words from the recipient, subject, template or ID.",
    )


class WebhookFilter(SearchFilterSet):
    """Filters of the list of webhook endpoints."""

    is_active = TrueFalseFilter()


class DeliveryFilter(FilterSet):
    """Filters of the list of webhook deliveries."""

    status = OneOfFilter(Status.choices, field_name="message__status")
    event = CharFilter(field_name="message__template", help_text="The name of an event.")


class SmsTemplateFilter(SearchFilterSet):
    """Filters of the list of SMS templates."""

    is_active = TrueFalseFilter()


class EmailOverrideFilter(SearchFilterSet):
    """Filters of the list of e-mail overrides."""

    template = CharFilter(max_length=100)
    language = OneOfFilter(settings.LANGUAGES)
    is_active = TrueFalseFilter()


class SuppressionFilter(SearchFilterSet):
    """Filters of the list of suppressions."""

    channel = OneOfFilter(TO_PEOPLE_CHOICES)
    reason = OneOfFilter(SuppressionReason.choices)
    kind = OneOfFilter([(kind.value, kind.label) for kind in OPTIONAL_KINDS])
    lifted = TrueFalseFilter(field_name="lifted_at", lookup_expr="isnull", exclude=True)
    search = CharFilter(method="find", max_length=MAX_SEARCH_LENGTH, help_text="Part of the address or number.")
