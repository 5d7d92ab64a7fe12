"""Fields that several serializers of accounts share."""

from typing import Any, ClassVar

from django.conf import settings
from django.core.exceptions import ValidationError as DjangoValidationError
from django.utils.translation import gettext_lazy as _
from drf_spectacular.extensions import OpenApiSerializerFieldExtension

from accounts.services.account import attributes
from accounts.services.account.attribute_schema import current
from accounts.states import Audience
from foodfleet.core.email_addresses import LONGEST_ADDRESS, validate_mailable
from foodfleet.core.http import serializers
from foodfleet.core.names import LONGEST_NAME, validate_name
from foodfleet.core.phone_numbers import LONGEST_SPELLING, PHONE_SCHEMA, normalize_phone

ONE_LINE = r"^[^\x00-\x1f\x7f-\x9f]+$"
PASSWORD_LENGTH = 4096  # limits only the input; PASSWORD_POLICY has the rule


class PasswordField(serializers.CharField):
    """A password, as typed; it is never returned."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("max_length", PASSWORD_LENGTH)
        super().__init__(trim_whitespace=False, write_only=True, style={"input_type": "password"}, **kwargs)


class TokenField(serializers.CharField):
    """A token that is only sent, never returned."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(write_only=True, **kwargs)


class PhoneField(serializers.CharField):
    """A phone number with country code in any spacing; its value is in E.164."""

    schema: ClassVar[dict[str, Any]] = PHONE_SCHEMA

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=LONGEST_SPELLING, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        try:
            return normalize_phone(super().to_internal_value(data))
        except DjangoValidationError as error:
            raise serializers.ValidationError(error.message, code=error.code) from None


class EmailField(serializers.EmailField):
    """An e-mail address, with the checks of `validate_mailable`."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=LONGEST_ADDRESS, validators=[validate_mailable], **kwargs)


class NameField(serializers.CharField):
    """A first or last name."""

    schema: ClassVar[dict[str, Any]] = {"pattern": ONE_LINE}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            max_length=LONGEST_NAME, required=False, allow_blank=True, validators=[validate_name], **kwargs
        )


class AttributesField(serializers.JSONField):
    """The custom attributes that the audience sees; in a request, those to change, with null to remove one."""

    def __init__(self, audience: Audience, **kwargs: Any) -> None:
        self.audience = audience
        super().__init__(**kwargs)

    def to_representation(self, value: Any) -> Any:
        return attributes.visible(value, self.audience)

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if not isinstance(data, dict):
            raise serializers.ValidationError(_("Give an object of attributes."), code="not_a_dict")
        return data


class AttributesInSchema(OpenApiSerializerFieldExtension):
    """AttributesField in the OpenAPI document: the attributes that the audience sees or may change."""

    target_class = AttributesField

    def map_serializer_field(self, auto_schema: Any, direction: str) -> dict[str, Any]:
        known = current()
        if not known.attributes:
            text = "No attributes are defined; see the setting USER_ATTRIBUTES."
            return {"type": "object", "additionalProperties": True, "description": text, "example": {}}
        is_request = direction == "request" and not self.target.read_only
        audience = self.target.audience
        chosen = known.editable_by(audience) if is_request else known.visible_to(audience)
        described = {one.name: in_openapi(known.validator.schema["properties"][one.name]) for one in chosen}
        if is_request:
            described = {name: _or_null(schema) for name, schema in described.items()}
            return {"type": "object", "additionalProperties": False, "properties": described}
        text = "Values that were stored under an earlier schema may not match this one."
        return {"type": "object", "additionalProperties": False, "properties": described, "description": text}


# Keywords with the same meaning in JSON Schema 2020-12 and in OpenAPI 3.0.
SHARED_KEYWORDS = (
    "title", "description", "default", "format", "pattern", "minLength", "maxLength", "minimum", "maximum",
    "multipleOf", "enum", "minItems", "maxItems", "uniqueItems", "required",
)  # fmt: skip


def in_openapi(schema: Any) -> dict[str, Any]:
    """Convert a JSON Schema of draft 2020-12 to OpenAPI 3.0, without keywords that OpenAPI 3.0 lacks."""
    if not isinstance(schema, dict):
        return {}
    converted = {name: schema[name] for name in SHARED_KEYWORDS if name in schema}
    if isinstance(schema.get("type"), str):
        converted["type"] = schema["type"]
    if "const" in schema:
        converted["enum"] = [schema["const"]]
    for exclusive, limit in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if exclusive in schema and limit not in schema:
            converted |= {limit: schema[exclusive], exclusive: True}
    if converted.get("type") == "array":
        converted["items"] = in_openapi(schema.get("items"))
    if isinstance(schema.get("properties"), dict):
        converted["properties"] = {name: in_openapi(one) for name, one in schema["properties"].items()}
    return converted


def _or_null(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema with null as another value, which removes the attribute."""
    choices = {"enum": [*schema["enum"], None]} if "enum" in schema else {}
    return {**schema, **choices, "nullable": True}


class FrontendField(serializers.CharField):
    """The app to which links in the e-mails of this request lead: a name in FRONTEND_URLS."""

    def __init__(self, **kwargs: Any) -> None:
        help_text = (
            "The app to which links in the e-mails of this request lead: a name in the setting FRONTEND_URLS. "
            "Without it they lead to the product's own pages."
        )
        super().__init__(max_length=64, required=False, write_only=True, help_text=help_text, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        name = super().to_internal_value(data)
        if name not in settings.FRONTEND_URLS:
            raise serializers.ValidationError(_("There is no client with this name."), code="unknown_client")
        return name


class FrontendSerializer(serializers.Serializer[Any]):
    """The body of a request that sends e-mails with links."""

    client = FrontendField()
