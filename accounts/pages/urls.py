"""Addresses of the pages."""

from django.urls import path

from accounts.pages.views import home, not_me, registration

urlpatterns = [
    path("", home.home, name="home"),
    path("register/", registration.RegisterPage.as_view(), name="register"),
    path("email/verify/<str:token>/", registration.verify_email, name="email_verify"),
    path("email/resend/", registration.ResendPage.as_view(), name="email_resend"),
    path("login/", home.pending, name="login"),
    path("login/verify/", home.pending, name="login_verify"),
    path("login/sms/", home.pending, name="login_sms"),
    path("logout/", home.pending, name="logout"),
    path("password/forgot/", home.pending, name="password_forgot"),
    path("password/reset/<str:token>/", home.pending, name="password_reset"),
    path("account/not-me/<str:token>/", not_me.not_me, name="not_me"),
    path("account/", home.pending, name="account"),
    path("account/email/", home.pending, name="account_email"),
    path("account/email/confirm/<str:token>/", home.pending, name="account_email_confirm"),
    path("account/email/undo/<str:token>/", home.pending, name="account_email_undo"),
    path("account/phone/", home.pending, name="account_phone"),
    path("account/phone/verify/", home.pending, name="account_phone_verify"),
    path("account/security/", home.pending, name="account_security"),
    path("account/password/", home.pending, name="account_password"),
    path("account/totp/", home.pending, name="totp_setup"),
    path("account/totp/disable/", home.pending, name="totp_disable"),
    path("account/backup-codes/", home.pending, name="backup_codes"),
    path("account/passkeys/", home.pending, name="passkey_add"),
    path("account/passkeys/<str:id>/remove/", home.pending, name="passkey_remove"),
    path("account/browsers/<str:id>/forget/", home.pending, name="browser_forget"),
    path("account/sessions/", home.pending, name="account_sessions"),
    path("account/sessions/<uuid:id>/end/", home.pending, name="session_end"),
    path("account/sessions/end-others/", home.pending, name="sessions_end_others"),
    path("account/sudo/", home.pending, name="sudo"),
]
