"""URLs below /dev/, only with DEBUG."""

from django.urls import path

from notifications.pages.views import mailbox

urlpatterns = [
    path("mailbox/", mailbox.mailbox_page, name="dev_mailbox"),
    path("mailbox/<str:message_id>/", mailbox.mailbox_body, name="dev_mailbox_body"),
]
