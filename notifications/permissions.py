"""The permissions of notifications, and the default roles that have them."""

from rbac.permissions import AUDITOR, DISPATCHER, FLEET_MANAGER, SUPPORT, Resource

RESOURCES = (
    Resource(
        "sms_templates",
        {
            "read": "See SMS templates",
            "create": "Add SMS templates",
            "update": "Change SMS templates",
            "delete": "Delete SMS templates",
        },
        models=("notifications.SmsTemplate",),
    ),
    Resource(
        "email_templates",
        {
            "read": "See the content of e-mails",
            "create": "Override the content of e-mails",
            "update": "Change overrides of e-mails",
            "delete": "Remove overrides of e-mails",
        },
        models=("notifications.EmailOverride",),
    ),
    Resource(
        "suppressions",
        {
            "read": "See addresses that nothing is sent to",
            "create": "Stop sending to an address",
            "lift": "Send to an address again",
        },
        models=("notifications.Suppression",),
    ),
    Resource(
        "webhooks",
        {
            "read": "See webhook endpoints and what was delivered to them",
            "create": "Add webhook endpoints, which receive data of all users",
            "update": "Change and test webhook endpoints, and deliver again",
            "delete": "Delete webhook endpoints",
        },
        models=("notifications.WebhookEndpoint", "notifications.WebhookDelivery"),
    ),
    Resource(
        "notifications",
        {"read": "See what was sent, and what became of it", "send": "Send e-mails and texts"},
        models=("notifications.Message", "notifications.Preference"),
    ),
)

GRANTS = {
    FLEET_MANAGER: (
        "sms_templates:read",
        "email_templates:read",
        "suppressions:read",
        "notifications:read",
        "notifications:send",
    ),
    DISPATCHER: ("sms_templates:read", "notifications:read", "notifications:send"),
    SUPPORT: (
        "sms_templates:read",
        "email_templates:read",
        "notifications:read",
        "suppressions:read",
        "suppressions:lift",
    ),
    AUDITOR: ("sms_templates:read", "email_templates:read", "notifications:read", "suppressions:read", "webhooks:read"),
}
