"""Conditions of the search for messages by a word."""

import json
from functools import reduce
from operator import or_
from uuid import UUID

from django.db.models import Q, Value
from django.db.models.functions import Lower


def in_columns(word: str) -> Q:
    """Match the word in the columns of a message."""
    return (
        Q(to__icontains=json.dumps(word, ensure_ascii=False)[1:-1])  # as JSON writes it
        | Q(subject__icontains=word)
        | Q(template__icontains=word)
        | Q(provider_message_id=word)
        | Q(request_id=word)
        | with_key(word)
    )


def in_search_text(word: str) -> Q:
    """Match the word itself and as JSON: recipients are part of the text as JSON."""
    forms = {word, json.dumps(word, ensure_ascii=False)[1:-1]}
    return reduce(or_, (Q(search_text__text__contains=Lower(Value(form))) for form in forms))


def with_key(word: str) -> Q:
    """Match the word as the key of a message; no condition if it cannot be one."""
    try:
        return Q(pk=UUID(word))
    except ValueError:
        return Q()
