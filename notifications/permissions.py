"""What can be done to messages and their templates, and which default roles may."""

from rbac.permissions import AUDITOR, DISPATCHER, FLEET_MANAGER, SUPPORT, Resource

RESOURCES = (
    Resource(
        "sms_templates",
        {
            "read": "See templates of texts",
            "create": "Add templates of texts",
            "update": "Change templates of texts",
            "delete": "Delete templates of texts",
        },
        models=("notifications.SmsTemplate",),
    ),
    Resource(
        "notifications",
        {"read": "See what was sent, and what became of it", "send": "Send e-mails and texts"},
        models=("notifications.Message",),
    ),
)

GRANTS = {
    FLEET_MANAGER: ("sms_templates:read", "notifications:read", "notifications:send"),
    DISPATCHER: ("sms_templates:read", "notifications:read", "notifications:send"),
    SUPPORT: ("sms_templates:read", "notifications:read"),
    AUDITOR: ("sms_templates:read", "notifications:read"),
}
