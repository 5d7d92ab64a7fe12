"""URLs below /api/v1/."""

from django.urls import include, path
from rest_framework.routers import SimpleRouter

from notifications.api.views import messages, preferences, sms_templates, suppressions, webhooks

router = SimpleRouter()
router.register("sms-templates", sms_templates.SmsTemplateViewSet, "api_sms_template")
router.register("suppressions", suppressions.SuppressionViewSet, "api_suppression")
router.register("notifications", messages.MessageViewSet, "api_notification")

urlpatterns = [
    path("notifications/email/", messages.SendEmailView.as_view(), name="api_send_email"),
    path("notifications/sms/", messages.SendSmsView.as_view(), name="api_send_sms"),
    path(
        "users/me/notification-preferences/", preferences.PreferencesView.as_view(), name="api_notification_preferences"
    ),
    path("webhooks/ses/", webhooks.SesWebhookView.as_view(), name="api_ses_webhook"),
    path("", include(router.urls)),
]
