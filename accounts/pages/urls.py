"""Addresses of the pages."""

from django.urls import path

from accounts.pages import views

urlpatterns = [
    path("email/verify/<str:token>/", views.verify_email, name="email_verify"),
    path("account/not-me/<str:token>/", views.not_me, name="not_me"),
    path("password/reset/<str:token>/", views.home_with_token, name="password_reset"),
    path("account/email/confirm/<str:token>/", views.home_with_token, name="account_email_confirm"),
    path("account/email/undo/<str:token>/", views.home_with_token, name="account_email_undo"),
    path("", views.home, name="home"),
    path("login/", views.home, name="login"),
    path("logout/", views.home, name="logout"),
    path("register/", views.home, name="register"),
    path("email/resend/", views.home, name="email_resend"),
    path("password/forgot/", views.home, name="password_forgot"),
    path("account/", views.home, name="account"),
    path("account/security/", views.home, name="account_security"),
    path("account/sessions/", views.home, name="account_sessions"),
]
