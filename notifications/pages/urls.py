"""URLs of the pages."""

from django.urls import path

from notifications.pages.views import preferences

urlpatterns = [
    path("account/preferences/", preferences.PreferencesPage.as_view(), name="account_preferences"),
    path("unsubscribe/<str:token>/", preferences.unsubscribe, name="unsubscribe"),
]
