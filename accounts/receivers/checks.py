"""A system check: a module with references to users must handle the deletion of an account."""

from collections.abc import Iterator
from typing import Any
from weakref import ReferenceType

from django.apps import AppConfig
from django.core.checks import CheckMessage, Error, register

from accounts import signals
from accounts.models import User
from foodfleet.modules import registry

HINT = (
    "Receive accounts.signals.user_deleted in {module}.receivers: delete these rows, clear the column, or raise a "
    "ConflictException, which prevents the deletion."
)


@register()
def check_modules(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """Return an error for each module that refers to users and does not receive `user_deleted`."""
    receiving = {function.__module__.partition(".receivers")[0] for function in _receivers()}
    return [
        Error(
            f"{field} refers to users, but the module does not handle the deletion of an account.",
            hint=HINT.format(module=module.name),
            id="accounts.E001",
        )
        for module in registry.installed()
        if module.name not in receiving
        for field in _references(module)
    ]


def _references(module: AppConfig) -> Iterator[Any]:
    for model in module.get_models():
        for field in model._meta.get_fields():
            if field.related_model is User and not field.auto_created:
                yield field


def _receivers() -> Iterator[Any]:
    for _key, reference, *_rest in signals.user_deleted.receivers:
        function = reference() if isinstance(reference, ReferenceType) else reference
        if function is not None:
            yield function
