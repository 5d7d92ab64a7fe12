"""Addresses below /api/v1/."""

from django.urls import path

from accounts.api import views

urlpatterns = [
    path("auth/register/", views.RegisterView.as_view(), name="api_register"),
    path("auth/email/verify/", views.VerifyEmailView.as_view(), name="api_email_verify"),
    path("auth/email/resend/", views.ResendVerificationView.as_view(), name="api_email_resend"),
    path("auth/login/", views.LoginView.as_view(), name="api_login"),
    path("auth/refresh/", views.RefreshView.as_view(), name="api_refresh"),
    path("auth/logout/", views.LogoutView.as_view(), name="api_logout"),
    path("users/me/", views.MeView.as_view(), name="api_me"),
]
