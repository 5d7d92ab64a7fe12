"""Addresses below /api/v1/."""

from django.urls import path

from accounts.api.views import contact, me, passwords, registration, roles, sign_in

urlpatterns = [
    path("auth/register/", registration.RegisterView.as_view(), name="api_register"),
    path("auth/email/verify/", registration.VerifyEmailView.as_view(), name="api_email_verify"),
    path("auth/email/resend/", registration.ResendVerificationView.as_view(), name="api_email_resend"),
    path("auth/login/", sign_in.LoginView.as_view(), name="api_login"),
    path("auth/refresh/", sign_in.RefreshView.as_view(), name="api_refresh"),
    path("auth/logout/", sign_in.LogoutView.as_view(), name="api_logout"),
    path("auth/password/forgot/", passwords.ForgotPasswordView.as_view(), name="api_password_forgot"),
    path("auth/password/reset/", passwords.ResetPasswordView.as_view(), name="api_password_reset"),
    path("auth/password/change/", passwords.ChangePasswordView.as_view(), name="api_password_change"),
    path("auth/email/change/", contact.ChangeEmailView.as_view(), name="api_email_change"),
    path("auth/email/change/confirm/", contact.ConfirmEmailView.as_view(), name="api_email_confirm"),
    path("auth/email/change/undo/", contact.UndoEmailView.as_view(), name="api_email_undo"),
    path("auth/phone/", contact.PhoneView.as_view(), name="api_phone"),
    path("auth/phone/verify/", contact.VerifyPhoneView.as_view(), name="api_phone_verify"),
    path("users/me/", me.MeView.as_view(), name="api_me"),
    path("users/<int:user_id>/roles/", roles.UserRolesView.as_view(), name="api_user_roles"),
    path("users/<int:user_id>/roles/<int:role_id>/", roles.UserRoleView.as_view(), name="api_user_role"),
]
