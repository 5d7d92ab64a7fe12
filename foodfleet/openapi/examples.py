"""Examples in the OpenAPI document: a value for each property by its name, and whole bodies for some operations."""

from typing import Any

from foodfleet.openapi.operations import call_of

NOW = "2026-01-31T12:00:00Z"
LATER = "2026-02-28T23:00:00Z"
UUID = "0b9f4a0e-7d0c-4a52-9a6e-2f1f0c6f8d11"
TOKEN = "q3Zb0r1hX8mJw5tK7nV2cL9sD4fG6yUaEoIiPpRrTtY"
JWT = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiI3In0.c2lnbmF0dXJl"
KEY = "ffk_3f9a1c07be52_8sTqY2mC1kLx0PvN7dRzWbGh4JuEoAfQ9iXtKcMyV5D"
BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
PAGE = "https://accounts.example.com/api/v1/users/?cursor=WyItaWQiLDAsN10"

# By the property's name, or by component and name if it has another meaning there. Of several values the first with
# the property's type is used.
VALUES: dict[str, tuple[Any, ...]] = {
    "access": (JWT,), "access_token": (JWT,), "action": ("read",), "address": ("ann@example.com",),
    "allowed_networks": (["192.0.2.0/24"],), "approved_by": (None,), "at": (NOW,), "attempts": (1,),
    "backup_codes": (["k4hw-9t2m", "p7dz-3xqa"],), "backup_codes_remaining": (8,), "because": ("The owner asked us.",),
    "bcc": (["archive@example.com"],), "cancelled_at": (None,), "cc": (["ben@example.com"],), "challenge": (TOKEN,),
    "client": ("courier-app",), "client_id": ("3f9a1c07be52",), "client_secret": (KEY,), "code": ("492817",),
    "content": ("Your code is {{code}}.",), "content_type": ("application/pdf",), "created_at": (NOW,),
    "current_password": ("Grill-Fleet-2026!",), "deleted_at": (LATER,), "deletion_due_at": (None,),
    "description": ("Plans the routes of a fleet",), "device_name": ("Ann's phone",), "done_at": (None,),
    "effective_at": (None,), "elsewhere": (["fleet:7"],), "email": ("ann@example.com",), "exp": (1769862600,),
    "expired": (None,), "expires_at": (LATER,), "expires_in": (1800,), "filename": ("menu.pdf",),
    "first_name": ("Ann",),
    "grant_type": ("client_credentials",), "granted_at": (NOW,), "granted_by": (1, "boss@example.com"),
    "html": ("<p>The truck is at the market from 11:00.</p>",), "iat": (1769860800,), "id": (7, UUID),
    "includes": ([2],), "invited_at": (None,), "ip": ("192.0.2.17",), "iss": ("https://accounts.example.com",),
    "jti": (UUID,), "key": (KEY,), "label": ("users:read",), "language": ("en",), "last_error": ("",),
    "last_login": (NOW,), "last_name": ("Miller",), "last_used_at": (NOW,), "lifted_at": (None,),
    "lifted_because": ("",), "lifted_by": (None,), "missing": (["code"],), "name": ("Dispatcher",),
    "new_password": ("Market-Stall-2027!",), "next": (PAGE,), "owner": (1,), "password": ("Grill-Fleet-2026!",),
    "path": (["Manager", "Dispatcher"],), "permission": ("users:read",), "permission_by": ("boss@example.com",),
    "permission_since": (NOW,), "permissions": (["users:read", "roles:read"],), "phone": ("+4915123456789",),
    "prefix": ("3f9a1c07be52",), "previous": (None,), "provider_message_id": ("0102019c1f3a-8f2d",),
    "reason": ("Lost the phone",), "refresh": (JWT,), "reply_to": (["office@example.com"],), "request_id": (UUID,),
    "requested_at": (NOW,), "requested_by": (1,), "resource": ("users",), "role": (3, "Dispatcher"), "role_id": (3,),
    "role_name": ("Dispatcher",), "roles": (["Dispatcher"],), "scope": ("fleet:12",), "secret": ("JBSWY3DPEHPK3PXP",),
    "segments": (1,), "send_at": (LATER,), "sent_at": (NOW,), "session_id": (UUID,), "sid": (UUID,), "sub": ("7",),
    "subject": ("Where the truck is tomorrow",), "template": ("lunch_offer",),
    "text": ("The truck is at the market from 11:00.",), "to": ("+4915123456789", ["ann@example.com"]),
    "token": (TOKEN,), "token_type": ("Bearer",), "token_type_hint": ("access_token",), "unknown": ([],),
    "updated_at": (NOW,), "user": (7,), "user_agent": (BROWSER,), "username": ("ann@example.com",), "users": (4,),
    "users_count": (4,), "variables": (["code"], {"code": "492817"}), "version": (2,),
    "ApiKey.name": ("Production",), "ApiKeyCreateRequest.name": ("Production",), "CreatedKey.name": ("Production",),
    "AttachmentRequest.content": ("JVBERi0xLjcK",), "Introspection.scope": ("users:read roles:read",),
    "Passkey.name": ("Ann's laptop",), "NewPasskeyRequest.name": ("Ann's laptop",), "SmsTemplate.name": ("order_code",),
    "SmsTemplateRequest.name": ("order_code",), "ServiceAccount.name": ("Payroll",), "Detail.detail": ("We sent it.",),
    "ServiceAccountCreateRequest.name": ("Payroll",), "Setup.otpauth_uri": (
        "otpauth://totp/Example:ann%40example.com?secret=JBSWY3DPEHPK3PXP&issuer=Example",
    ), "Setup.qr_code": ("data:image/png;base64,iVBORw0KGgo=",), "ReportTaken.status": ("delivered",),
    "EndpointSecret.secret": ("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD",), "url": ("https://crm.example.com/foodfleet",),
    "Error.code": ("validation_error",), "Error.error": ("Please check the marked fields.",),
}  # fmt: skip

ANN = {
    "id": 7, "email": "ann@example.com", "first_name": "Ann", "last_name": "Miller", "phone": "+4915123456789",
    "language": "en", "email_verified": True, "is_active": True, "is_staff": False, "created_at": NOW,
    "attributes": {},
}  # fmt: skip
TOKENS = {"access": JWT, "refresh": JWT, "token_type": "Bearer", "expires_in": 1800}
SIGNED_IN = {"Tokens": {**TOKENS, "user": ANN}}
CHALLENGE = {
    "two_factor_required": True, "challenge": TOKEN, "methods": ["totp", "backup_code"], "expires_in": 300,
}  # fmt: skip
CREDENTIALS = {"email": "ann@example.com", "password": "Grill-Fleet-2026!"}
QUEUED = {"Queued": {"id": UUID, "status": "queued"}}

# Method and path -> `request` or a status -> title -> body.
BODIES: dict[str, dict[str, dict[str, Any]]] = {
    "POST auth/login/": {
        "request": {"E-mail and password": CREDENTIALS},
        "200": {**SIGNED_IN, "Two-factor authentication is on": CHALLENGE},
    },
    "POST auth/login/verify/": {
        "request": {"A code of the app": {"challenge": TOKEN, "method": "totp", "code": "492817"}},
        "200": SIGNED_IN,
    },
    "POST auth/register/": {
        "request": {"Minimal": CREDENTIALS, "With a name": {**CREDENTIALS, "first_name": "Ann"}},
        "202": {"Any address": {"detail": "Thank you. We sent you an e-mail that says what comes next."}},
    },
    "POST users/": {
        "request": {
            "Invite by e-mail": {"email": "ann@example.com", "first_name": "Ann", "last_name": "Miller"},
            "With a password": {**CREDENTIALS, "must_change_password": True},
        },
    },
    "PATCH users/{id}/": {"request": {"Deactivate": {"is_active": False}, "Rename": {"last_name": "Stone"}}},
    "POST users/{user_id}/roles/": {
        "request": {
            "Everywhere": {"role": 3},
            "In one scope, for a while": {"role": 3, "scope": "fleet:12", "expires_at": LATER},
        },
    },
    "POST access/check/": {
        "request": {
            "Your own": {"permissions": ["users:read", "users:lock"]},
            "Of another user": {"permissions": ["users:read"], "user": 7, "scope": "fleet:12"},
        },
        "200": {"Results": {"results": {"users:read": True, "users:lock": False}}},
    },
    "POST notifications/email/": {
        "request": {
            "Text": {
                "to": ["ann@example.com"],
                "subject": "Where the truck is tomorrow",
                "text": "At the market from 11:00.",
            },
            "A template, later": {
                "to": ["ann@example.com"],
                "template": "lunch_offer",
                "context": {"place": "market"},
                "send_at": LATER,
            },
        },
        "202": QUEUED,
    },
    "POST notifications/sms/": {
        "request": {
            "Text": {"to": "+4915123456789", "text": "The truck is at the market from 11:00."},
            "A template": {"to": "+4915123456789", "template": "order_code", "variables": {"code": "492817"}},
        },
        "202": QUEUED,
    },
    "POST service-accounts/{account_id}/keys/": {
        "request": {
            "Minimal": {"name": "Production"},
            "Restricted": {
                "name": "Production",
                "expires_at": LATER,
                "permissions": ["users:read"],
                "allowed_networks": ["192.0.2.0/24"],
            },
        },
    },
    "POST webhooks/": {
        "request": {
            "Every event": {"url": "https://crm.example.com/foodfleet", "events": ["*"]},
            "Some": {"url": "https://crm.example.com/foodfleet", "events": ["user.created", "message.bounced"]},
        },
    },
    "POST auth/token/": {
        "request": {
            "Client credentials": {
                "grant_type": "client_credentials",
                "client_id": "3f9a1c07be52",
                "client_secret": KEY,
            }
        },
    },
}

TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "array": (list,),
    "object": (dict,),
}


def add_examples(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """Add examples to properties and bodies that have none. A postprocessing hook of drf-spectacular."""
    for component, schema in result["components"]["schemas"].items():
        for name, described in schema.get("properties", {}).items():
            values = VALUES.get(f"{component.removeprefix('Patched')}.{name}") or VALUES.get(name, ())
            kind = described["oneOf"][0] if "oneOf" in described else described
            fitting = [value for value in values if _fits(value, kind)]
            if fitting and not {"enum", "example"} & (described.keys() | kind.keys()):
                described["example"] = fitting[0]
    for path, operations in result["paths"].items():
        for method, operation in operations.items():
            for part, bodies in BODIES.get(call_of(method, path), {}).items():
                holder = operation["requestBody"] if part == "request" else operation["responses"][part]
                for content in holder["content"].values():
                    content["examples"] = {title: {"value": body} for title, body in bodies.items()}
    return result


def _fits(value: Any, described: dict[str, Any]) -> bool:
    if value is None:
        return bool(described.get("nullable"))
    if isinstance(value, list) and described.get("type") == "array":
        return all(_fits(one, described["items"]) for one in value)
    is_uuid = described.get("format") == "uuid"
    return isinstance(value, TYPES.get(described.get("type", ""), ())) and (not is_uuid or value == UUID)
