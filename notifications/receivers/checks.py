"""A system check: PostgreSQL stores messages in partitions, to which no foreign key can refer."""

from collections.abc import Iterable
from typing import Any

from django.core.checks import CheckMessage, Error, register
from django.db.models.fields.reverse_related import ForeignObjectRel

from notifications.models import Message


@register()
def check_references(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """Return an error for each foreign key to messages that the database is to enforce."""
    return [
        Error(
            f"{relation.field} refers to messages by a constraint, which PostgreSQL cannot enforce for partitions.",
            hint="Add db_constraint=False to the field.",
            id="notifications.E001",
        )
        for relation in _relations(Message._meta.get_fields(include_hidden=True))
        if getattr(relation.field, "db_constraint", False)
    ]


def _relations(fields: Iterable[Any]) -> Iterable[ForeignObjectRel]:
    return (field for field in fields if isinstance(field, ForeignObjectRel))
