"""Addresses below /dev/, there in DEBUG alone."""

from django.urls import path

from notifications.pages import views

urlpatterns = [
    path("mailbox/", views.mailbox_page, name="dev_mailbox"),
    path("mailbox/<str:message_id>/", views.mailbox_body, name="dev_mailbox_body"),
]
