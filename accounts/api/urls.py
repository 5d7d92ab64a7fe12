"""URLs below /api/v1/, grouped and with the most frequent first, because Django tries them in order."""

from django.urls import include, path

from accounts.api.views import (
    challenges,
    contact,
    events,
    imports,
    me,
    mfa,
    mfa_resets,
    passkeys,
    passwords,
    registration,
    roles,
    sessions,
    sign_in,
    users,
)
from accounts.api.views.programs import api_keys, service_accounts, tokens

users_urls = [
    path("me/", me.MeView.as_view(), name="api_me"),
    path("", users.UserViewSet.as_view({"get": "list", "post": "create"}), name="api_users"),
    path("import/", imports.ImportView.as_view(), name="api_users_import"),
    path("me/events/", events.EventsView.as_view(), name="api_my_events"),
    path("me/deletion/cancel/", me.CancelDeletionView.as_view(), name="api_deletion_cancel"),
    path("me/keys/", api_keys.OwnKeysView.as_view(), name="api_my_keys"),
    path("me/keys/<uuid:key_id>/", api_keys.OwnKeyView.as_view(), name="api_my_key"),
    path("me/export/", me.ExportView.as_view(), name="api_export"),
    path("<int:user_id>/2fa-reset/", mfa_resets.RequestResetView.as_view(), name="api_2fa_reset"),
    path(
        "<int:pk>/",
        users.UserViewSet.as_view({"get": "retrieve", "patch": "partial_update", "delete": "destroy"}),
        name="api_user",
    ),
    path("<int:pk>/lock/", users.UserViewSet.as_view({"post": "lock"}), name="api_user_lock"),
    path("<int:pk>/unlock/", users.UserViewSet.as_view({"post": "unlock"}), name="api_user_unlock"),
    path("<int:pk>/invite/", users.UserViewSet.as_view({"post": "invite"}), name="api_user_invite"),
    path(
        "<int:pk>/password-link/",
        users.UserViewSet.as_view({"post": "password_link"}),
        name="api_user_password_link",
    ),
    path("<int:pk>/password/", users.UserViewSet.as_view({"post": "set_password"}), name="api_user_password"),
    path("<int:user_id>/2fa/", mfa.UserStatusView.as_view(), name="api_user_2fa"),
    path("<int:user_id>/keys/", api_keys.UserKeysView.as_view(), name="api_user_keys"),
    path("<int:user_id>/keys/<uuid:key_id>/", api_keys.UserKeyView.as_view(), name="api_user_key"),
    path("<int:user_id>/sessions/", sessions.UserSessionsView.as_view(), name="api_user_sessions"),
    path("<int:user_id>/sessions/end/", sessions.EndUserSessionsView.as_view(), name="api_user_sessions_end"),
    path("<int:user_id>/sessions/<uuid:session_id>/", sessions.UserSessionView.as_view(), name="api_user_session"),
    path("<int:user_id>/roles/", roles.UserRolesView.as_view(), name="api_user_roles"),
    path("<int:user_id>/roles/<int:role_id>/", roles.UserRoleView.as_view(), name="api_user_role"),
]
auth_urls = [
    path("refresh/", sign_in.RefreshView.as_view(), name="api_refresh"),
    path("login/", sign_in.LoginView.as_view(), name="api_login"),
    path("register/", registration.RegisterView.as_view(), name="api_register"),
    path("email/verify/", registration.VerifyEmailView.as_view(), name="api_email_verify"),
    path("email/resend/", registration.ResendVerificationView.as_view(), name="api_email_resend"),
    path("login/verify/", challenges.LoginVerifyView.as_view(), name="api_login_verify"),
    path("login/sms/", challenges.LoginSMSView.as_view(), name="api_login_sms"),
    path("login/passkey/", challenges.PasskeyLoginView.as_view(), name="api_login_passkey"),
    path("login/passkey/verify/", challenges.PasskeyLoginVerifyView.as_view(), name="api_login_passkey_verify"),
    path("2fa/", mfa.StatusView.as_view(), name="api_2fa"),
    path("2fa/setup/", mfa.SetupView.as_view(), name="api_2fa_setup"),
    path("2fa/verify/", mfa.VerifyView.as_view(), name="api_2fa_verify"),
    path("2fa/backup-codes/", mfa.BackupCodesView.as_view(), name="api_2fa_backup_codes"),
    path("2fa/disable/", mfa.DisableView.as_view(), name="api_2fa_disable"),
    path("2fa/browsers/", mfa.TrustedBrowsersView.as_view(), name="api_2fa_browsers"),
    path("2fa/browsers/<int:browser_id>/", mfa.TrustedBrowserView.as_view(), name="api_2fa_browser"),
    path("passkeys/", passkeys.PasskeysView.as_view(), name="api_passkeys"),
    path("passkeys/options/", passkeys.PasskeyOptionsView.as_view(), name="api_passkey_options"),
    path("passkeys/<int:passkey_id>/", passkeys.PasskeyView.as_view(), name="api_passkey"),
    path("proof/", mfa.ReauthenticationView.as_view(), name="api_proof"),
    path("proof/passkey/", passkeys.ReauthenticationOptionsView.as_view(), name="api_proof_passkey"),
    path("proof/passkey/verify/", passkeys.PasskeyReauthenticationView.as_view(), name="api_proof_passkey_verify"),
    path("token/", tokens.TokenView.as_view(), name="api_token"),
    path("token/introspect/", tokens.IntrospectView.as_view(), name="api_token_introspect"),
    path("token/revoke/", tokens.RevokeView.as_view(), name="api_token_revoke"),
    path("logout/", sign_in.LogoutView.as_view(), name="api_logout"),
    path("logout/all/", sessions.LogoutAllView.as_view(), name="api_logout_all"),
    path("sessions/", sessions.SessionsView.as_view(), name="api_sessions"),
    path("sessions/<uuid:session_id>/", sessions.SessionView.as_view(), name="api_session"),
    path("password/forgot/", passwords.ForgotPasswordView.as_view(), name="api_password_forgot"),
    path("password/reset/", passwords.ResetPasswordView.as_view(), name="api_password_reset"),
    path("password/change/", passwords.ChangePasswordView.as_view(), name="api_password_change"),
    path("compromise/", passwords.ReportCompromiseView.as_view(), name="api_report_compromise"),
    path("email/change/", contact.ChangeEmailView.as_view(), name="api_email_change"),
    path("email/change/confirm/", contact.ConfirmEmailView.as_view(), name="api_email_confirm"),
    path("email/change/undo/", contact.UndoEmailView.as_view(), name="api_email_undo"),
    path("phone/", contact.PhoneView.as_view(), name="api_phone"),
    path("phone/verify/", contact.VerifyPhoneView.as_view(), name="api_phone_verify"),
]
mfa_resets_urls = [
    path("", mfa_resets.ResetsView.as_view(), name="api_2fa_resets"),
    path(
        "<int:reset_id>/approve/",
        mfa_resets.ApproveResetView.as_view(),
        name="api_2fa_reset_approve",
    ),
    path("<int:reset_id>/cancel/", mfa_resets.CancelResetView.as_view(), name="api_2fa_reset_cancel"),
]
service_accounts_urls = [
    path(
        "",
        service_accounts.ServiceAccountViewSet.as_view({"get": "list", "post": "create"}),
        name="api_service_accounts",
    ),
    path(
        "<int:pk>/",
        service_accounts.ServiceAccountViewSet.as_view(
            {"get": "retrieve", "patch": "partial_update", "delete": "destroy"}
        ),
        name="api_service_account",
    ),
    path("<int:account_id>/keys/", api_keys.ServiceAccountKeysView.as_view(), name="api_service_account_keys"),
    path(
        "<int:account_id>/keys/<uuid:key_id>/",
        api_keys.ServiceAccountKeyView.as_view(),
        name="api_service_account_key",
    ),
]
urlpatterns = [
    path("users/", include(users_urls)),
    path("auth/", include(auth_urls)),
    path("2fa-resets/", include(mfa_resets_urls)),
    path("service-accounts/", include(service_accounts_urls)),
    path("events/", events.AllEventsView.as_view(), name="api_events"),
]
