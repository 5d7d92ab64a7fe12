"""Addresses below /api/v1/."""

from django.urls import path

from accounts.api.views import (
    challenges,
    contact,
    me,
    passkeys,
    passwords,
    registration,
    roles,
    second_factor,
    second_factor_resets,
    sign_in,
)

urlpatterns = [
    path("auth/register/", registration.RegisterView.as_view(), name="api_register"),
    path("auth/email/verify/", registration.VerifyEmailView.as_view(), name="api_email_verify"),
    path("auth/email/resend/", registration.ResendVerificationView.as_view(), name="api_email_resend"),
    path("auth/login/", sign_in.LoginView.as_view(), name="api_login"),
    path("auth/login/verify/", challenges.LoginVerifyView.as_view(), name="api_login_verify"),
    path("auth/login/sms/", challenges.LoginSMSView.as_view(), name="api_login_sms"),
    path("auth/login/passkey/", challenges.PasskeyLoginView.as_view(), name="api_login_passkey"),
    path("auth/login/passkey/verify/", challenges.PasskeyLoginVerifyView.as_view(), name="api_login_passkey_verify"),
    path("auth/2fa/", second_factor.StatusView.as_view(), name="api_2fa"),
    path("auth/2fa/setup/", second_factor.SetupView.as_view(), name="api_2fa_setup"),
    path("auth/2fa/verify/", second_factor.VerifyView.as_view(), name="api_2fa_verify"),
    path("auth/2fa/backup-codes/", second_factor.BackupCodesView.as_view(), name="api_2fa_backup_codes"),
    path("auth/2fa/disable/", second_factor.DisableView.as_view(), name="api_2fa_disable"),
    path("auth/2fa/browsers/", second_factor.TrustedBrowsersView.as_view(), name="api_2fa_browsers"),
    path("auth/2fa/browsers/<int:browser_id>/", second_factor.TrustedBrowserView.as_view(), name="api_2fa_browser"),
    path("auth/passkeys/", passkeys.PasskeysView.as_view(), name="api_passkeys"),
    path("auth/passkeys/options/", passkeys.PasskeyOptionsView.as_view(), name="api_passkey_options"),
    path("auth/passkeys/<int:passkey_id>/", passkeys.PasskeyView.as_view(), name="api_passkey"),
    path("auth/proof/", second_factor.ProofView.as_view(), name="api_proof"),
    path("auth/proof/passkey/", passkeys.ProofOptionsView.as_view(), name="api_proof_passkey"),
    path("auth/proof/passkey/verify/", passkeys.ProofByPasskeyView.as_view(), name="api_proof_passkey_verify"),
    path("users/<int:user_id>/2fa-reset/", second_factor_resets.RequestResetView.as_view(), name="api_2fa_reset"),
    path("2fa-resets/", second_factor_resets.ResetsView.as_view(), name="api_2fa_resets"),
    path(
        "2fa-resets/<int:reset_id>/approve/",
        second_factor_resets.ApproveResetView.as_view(),
        name="api_2fa_reset_approve",
    ),
    path(
        "2fa-resets/<int:reset_id>/cancel/", second_factor_resets.CancelResetView.as_view(), name="api_2fa_reset_cancel"
    ),
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
