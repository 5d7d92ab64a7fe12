"""URLs below /api/v1/."""

from django.urls import include, path
from rest_framework.routers import SimpleRouter

from notifications.api.views import (
    email_overrides,
    feedback,
    messages,
    preferences,
    sms_templates,
    suppressions,
    versions,
    webhooks,
)

router = SimpleRouter()
router.register("sms-templates", sms_templates.SmsTemplateViewSet, "api_sms_template")
router.register("email-overrides", email_overrides.EmailOverrideViewSet, "api_email_override")
router.register("suppressions", suppressions.SuppressionViewSet, "api_suppression")
router.register("webhooks", webhooks.WebhookViewSet, "api_webhook")
router.register("notifications", messages.MessageViewSet, "api_notification")

urlpatterns = [
    path("notifications/email/", messages.SendEmailView.as_view(), name="api_send_email"),
    path("notifications/sms/", messages.SendSmsView.as_view(), name="api_send_sms"),
    path(
        "users/me/notification-preferences/", preferences.PreferencesView.as_view(), name="api_notification_preferences"
    ),
    path(
        "users/<int:user_id>/notification-preferences/",
        preferences.UserPreferencesView.as_view(),
        name="api_user_notification_preferences",
    ),
    path("email-templates/", email_overrides.EmailTemplatesView.as_view(), name="api_email_templates"),
    path("email-templates/<str:name>/", email_overrides.EmailTemplateView.as_view(), name="api_email_template"),
    path("sms-templates/<int:pk>/versions/", versions.SmsTemplateVersionsView.as_view(), name="api_sms_versions"),
    path(
        "sms-templates/<int:pk>/versions/<int:number>/restore/",
        versions.RestoreSmsTemplateView.as_view(),
        name="api_sms_restore",
    ),
    path("email-overrides/<int:pk>/versions/", versions.EmailOverrideVersionsView.as_view(), name="api_email_versions"),
    path(
        "email-overrides/<int:pk>/versions/<int:number>/restore/",
        versions.RestoreEmailOverrideView.as_view(),
        name="api_email_restore",
    ),
    path("webhooks/ses/", feedback.SesWebhookView.as_view(), name="api_ses_webhook"),
    path("webhooks/<int:endpoint_id>/deliveries/", webhooks.DeliveriesView.as_view(), name="api_webhook_deliveries"),
    path(
        "webhooks/<int:endpoint_id>/deliveries/<uuid:delivery_id>/replay/",
        webhooks.ReplayView.as_view(),
        name="api_webhook_replay_of",
    ),
    path("webhooks/deliveries/<uuid:delivery_id>/replay/", webhooks.ReplayView.as_view(), name="api_webhook_replay"),
    path("", include(router.urls)),
]
