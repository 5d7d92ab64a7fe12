"""The settings of drf-spectacular for the OpenAPI document."""

from typing import Any

from foodfleet import __version__

DESCRIPTION = """
Accounts, access control and messages.

**Get a token.** `POST /api/v1/auth/login/` with `email` and `password` returns `access` and `refresh`. Send
`Authorization: Bearer <access>` with each call. An access token is valid for 30 minutes. `POST /api/v1/auth/refresh/`
exchanges the refresh token for a new pair; each refresh token works once. Programs send an API key (`ffk_...`) in the
same header.

**Lists** have `next`, `previous` and `results`. Follow `next` until it is null; `page_size` is 1 to 100.

**Errors** have `error` (for people), `code` (stable, for programs), `details` and `request_id`. For invalid fields,
`details` maps each field to a list of `message` and `code`. Every response has the header `X-Request-ID`: the one that
was sent, if it has 8 to 64 letters, digits, `.`, `_` and `-`. Each operation lists its errors. In addition, any URL
returns 405 for another method, 408 for a slow body, 411 for a chunked one, and 431 for long cookies.

**Retries.** Send an `Idempotency-Key` with an e-mail or SMS: the same key and body send nothing more. After 429 and
503, wait the number of seconds in `Retry-After`.
"""

SPECTACULAR_SETTINGS: dict[str, Any] = {
    "ENABLE_DJANGO_DEPLOY_CHECK": False,  # a test generates the document; `doctor` would take seconds for it
    "TITLE": "FoodFleet",
    "DESCRIPTION": DESCRIPTION,
    "VERSION": __version__,
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_AUTHENTICATION": [],
    "SORT_OPERATIONS": False,  # foodfleet.openapi.operations has the order
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_SETTINGS": {"persistAuthorization": True, "docExpansion": "none", "filter": True},
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    # Every enum is named here: drf-spectacular would rename one if a module has a field of the same name.
    "ENUM_NAME_OVERRIDES": {
        "ChannelEnum": "notifications.states.TO_PEOPLE_CHOICES",
        "DisabledReasonEnum": "notifications.states.DisabledReason",
        "EncodingEnum": ["GSM-7", "UCS-2"],
        "EventKindEnum": "accounts.states.event_kinds",
        "KindEnum": "notifications.states.Kind",
        "LanguageEnum": "django.conf.settings.LANGUAGES",
        "MethodEnum": "accounts.states.Method",
        "MethodsEnum": ["totp", "backup_code", "sms", "passkey"],
        "PriorityEnum": "notifications.states.Priority",
        "ReasonEnum": "notifications.states.SuppressionReason",
        "SendableKindEnum": ["account", "marketing"],
        "SnsTypeEnum": ["Notification", "SubscriptionConfirmation", "UnsubscribeConfirmation"],
        "StatusEnum": "notifications.states.Status",
        "TypeEnum": "notifications.states.EventType",
        "WebhookEventEnum": "notifications.states.webhook_event_choices",
    },
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "foodfleet.openapi.errors.describe_answers",
        "foodfleet.openapi.examples.add_examples",
        "foodfleet.openapi.operations.name_operations",
    ],
}
