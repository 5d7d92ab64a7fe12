"""Names of the API's operations in the OpenAPI document, and the order in which it lists them.

Modules need no entry: their operations have the tag of the module and the name that `extend_schema` gives them.
"""

from typing import Any

from foodfleet.modules import registry

PREFIX = "/api/v1/"
# Tags in the order of the document. Each operation has the tag of its entry below.
TAGS = {
    "Sign-in": "Register, sign in, refresh and sign out.",
    "Account": "The caller's own account: profile, password, e-mail address, phone, sessions.",
    "Two-factor authentication": "Authenticator app, backup codes, passkeys, remembered browsers, re-authentication.",
    "Users": "For staff: users, their sessions and resets of two-factor authentication.",
    "Roles and permissions": "For staff: who may do what, in which scope, and why.",
    "Programs": "Service accounts, API keys and OAuth 2.0 access tokens.",
    "Messages": "Send e-mails and SMS, and track their delivery.",
    "Webhooks": "Endpoints of other systems to which events are posted.",
    "Events": "Security events of all users.",
}
# Method and path -> operationId for typed clients, and summary for people.
OPERATIONS: dict[str, dict[str, tuple[str, str]]] = {
    "Sign-in": {
        "POST auth/register/": ("register", "Register"),
        "POST auth/email/verify/": ("verifyEmail", "Confirm an e-mail address"),
        "POST auth/email/resend/": ("resendVerification", "Send the confirmation again"),
        "POST auth/login/": ("signIn", "Sign in"),
        "POST auth/login/verify/": ("verifySignIn", "Finish a sign-in with a code"),
        "POST auth/login/sms/": ("sendSignInCode", "Send a sign-in code by SMS"),
        "POST auth/login/passkey/": ("startPasskeySignIn", "Start a sign-in by passkey"),
        "POST auth/login/passkey/verify/": ("finishPasskeySignIn", "Finish a sign-in by passkey"),
        "POST auth/refresh/": ("refreshTokens", "Exchange a refresh token"),
        "POST auth/logout/": ("signOut", "Sign out"),
        "POST auth/logout/all/": ("signOutEverywhere", "Sign out everywhere"),
        "POST auth/password/forgot/": ("requestPasswordReset", "Request a password reset"),
        "POST auth/password/reset/": ("resetPassword", "Reset a password"),
        "POST auth/compromise/": ("reportCompromise", "Report a compromised account"),
    },
    "Account": {
        "GET users/me/": ("getMe", "Get your account"),
        "PATCH users/me/": ("updateMe", "Change your account"),
        "DELETE users/me/": ("deleteMe", "Delete your account in 14 days"),
        "POST users/me/deletion/cancel/": ("cancelMyDeletion", "Keep your account"),
        "GET users/me/export/": ("exportMe", "Download your data"),
        "GET users/me/events/": ("listMyEvents", "List your security events"),
        "GET users/me/notification-preferences/": ("getMyPreferences", "Get your notification preferences"),
        "PATCH users/me/notification-preferences/": ("updateMyPreferences", "Change your notification preferences"),
        "POST auth/password/change/": ("changePassword", "Change your password"),
        "POST auth/email/change/": ("changeEmail", "Change your e-mail address"),
        "POST auth/email/change/confirm/": ("confirmEmailChange", "Confirm a new e-mail address"),
        "POST auth/email/change/undo/": ("undoEmailChange", "Undo a change of e-mail address"),
        "POST auth/phone/": ("changePhone", "Change your phone number"),
        "POST auth/phone/verify/": ("verifyPhone", "Confirm a phone number"),
        "GET auth/sessions/": ("listMySessions", "List your sessions"),
        "DELETE auth/sessions/{session_id}/": ("endMySession", "End one of your sessions"),
    },
    "Two-factor authentication": {
        "GET auth/2fa/": ("getTwoFactorStatus", "Get your two-factor status"),
        "POST auth/2fa/setup/": ("setUpAuthenticator", "Set up an authenticator app"),
        "POST auth/2fa/verify/": ("enableTwoFactor", "Turn two-factor authentication on"),
        "POST auth/2fa/backup-codes/": ("createBackupCodes", "Create new backup codes"),
        "POST auth/2fa/disable/": ("disableTwoFactor", "Turn two-factor authentication off"),
        "GET auth/2fa/browsers/": ("listTrustedBrowsers", "List remembered browsers"),
        "DELETE auth/2fa/browsers/{browser_id}/": ("forgetTrustedBrowser", "Forget a remembered browser"),
        "GET auth/passkeys/": ("listPasskeys", "List your passkeys"),
        "POST auth/passkeys/": ("addPasskey", "Add a passkey"),
        "POST auth/passkeys/options/": ("startPasskey", "Start to add a passkey"),
        "PATCH auth/passkeys/{passkey_id}/": ("updatePasskey", "Rename a passkey or change its use"),
        "DELETE auth/passkeys/{passkey_id}/": ("removePasskey", "Remove a passkey"),
        "POST auth/proof/": ("reauthenticate", "Re-authenticate"),
        "POST auth/proof/passkey/": ("startPasskeyReauthentication", "Start to re-authenticate by passkey"),
        "POST auth/proof/passkey/verify/": ("reauthenticateByPasskey", "Re-authenticate by passkey"),
    },
    "Users": {
        "GET users/": ("listUsers", "List users"),
        "POST users/": ("createUser", "Create or invite a user"),
        "GET users/{id}/": ("getUser", "Get a user"),
        "PATCH users/{id}/": ("updateUser", "Change a user"),
        "DELETE users/{id}/": ("deleteUser", "Delete a user"),
        "POST users/import/": ("importUsers", "Import users from a file"),
        "POST users/{id}/password/": ("setUserPassword", "Set or disable a user's password"),
        "GET users/{user_id}/2fa/": ("getUserTwoFactorStatus", "Get a user's two-factor status"),
        "POST users/{id}/lock/": ("lockUser", "Lock a user"),
        "POST users/{id}/unlock/": ("unlockUser", "Unlock a user"),
        "POST users/{id}/invite/": ("inviteUser", "Send an invitation again"),
        "POST users/{id}/password-link/": ("sendPasswordLink", "Send a link to choose a password"),
        "GET users/{user_id}/sessions/": ("listUserSessions", "List a user's sessions"),
        "DELETE users/{user_id}/sessions/{session_id}/": ("endUserSession", "End one session of a user"),
        "POST users/{user_id}/sessions/end/": ("endUserSessions", "End all sessions of a user"),
        "POST users/{user_id}/2fa-reset/": ("requestTwoFactorReset", "Request a two-factor reset"),
        "GET 2fa-resets/": ("listTwoFactorResets", "List two-factor resets"),
        "POST 2fa-resets/{reset_id}/approve/": ("approveTwoFactorReset", "Approve a two-factor reset"),
        "POST 2fa-resets/{reset_id}/cancel/": ("cancelTwoFactorReset", "Cancel a two-factor reset"),
    },
    "Roles and permissions": {
        "GET roles/": ("listRoles", "List roles"),
        "POST roles/": ("createRole", "Create a role"),
        "GET roles/{id}/": ("getRole", "Get a role"),
        "PATCH roles/{id}/": ("updateRole", "Change a role"),
        "DELETE roles/{id}/": ("deleteRole", "Delete a role"),
        "POST roles/{id}/preview/": ("previewRole", "Preview a change of a role"),
        "GET roles/{role_id}/revisions/": ("listRoleRevisions", "List the history of a role"),
        "GET users/{user_id}/roles/": ("listUserRoles", "List a user's roles"),
        "POST users/{user_id}/roles/": ("assignRole", "Assign a role"),
        "DELETE users/{user_id}/roles/{role_id}/": ("removeRole", "Remove a role from a user"),
        "GET scopes/": ("listScopes", "List scopes"),
        "POST scopes/": ("createScope", "Create a scope"),
        "GET scopes/{id}/": ("getScope", "Get a scope"),
        "PATCH scopes/{id}/": ("updateScope", "Rename or move a scope"),
        "DELETE scopes/{id}/": ("deleteScope", "Delete a scope"),
        "GET scopes/{scope_id}/members/": ("listScopeMembers", "List the members of a scope"),
        "POST scopes/{scope_id}/members/": ("addScopeMember", "Add a member to a scope"),
        "DELETE scopes/{scope_id}/members/{user_id}/": ("removeScopeMember", "Remove a member from a scope"),
        "GET permissions/": ("listPermissions", "List permissions"),
        "POST permissions/": ("createPermission", "Create a permission"),
        "GET permissions/{id}/": ("getPermission", "Get a permission"),
        "DELETE permissions/{id}/": ("deletePermission", "Delete a permission"),
        "POST access/check/": ("checkAccess", "Check permissions"),
        "GET access/explain/": ("explainAccess", "Explain a permission"),
    },
    "Programs": {
        "GET service-accounts/": ("listServiceAccounts", "List service accounts"),
        "POST service-accounts/": ("createServiceAccount", "Create a service account"),
        "GET service-accounts/{user}/": ("getServiceAccount", "Get a service account"),
        "PATCH service-accounts/{user}/": ("updateServiceAccount", "Change a service account"),
        "DELETE service-accounts/{user}/": ("deleteServiceAccount", "Delete a service account"),
        "GET service-accounts/{account_id}/keys/": ("listKeys", "List a service account's keys"),
        "POST service-accounts/{account_id}/keys/": ("createKey", "Create a key for a service account"),
        "DELETE service-accounts/{account_id}/keys/{key_id}/": ("revokeKey", "Revoke a service account's key"),
        "GET users/{user_id}/keys/": ("listUserKeys", "List a user's API keys"),
        "DELETE users/{user_id}/keys/{key_id}/": ("revokeUserKey", "Revoke a user's API key"),
        "GET users/me/keys/": ("listMyKeys", "List your API keys"),
        "POST users/me/keys/": ("createMyKey", "Create an API key"),
        "DELETE users/me/keys/{key_id}/": ("revokeMyKey", "Revoke an API key"),
        "POST auth/token/": ("issueToken", "Exchange a key for an access token"),
        "POST auth/token/introspect/": ("introspectToken", "Introspect a token"),
        "POST auth/token/revoke/": ("revokeToken", "Revoke a token"),
    },
    "Messages": {
        "POST notifications/email/": ("sendEmail", "Send an e-mail"),
        "POST notifications/sms/": ("sendSms", "Send an SMS"),
        "GET notifications/": ("listMessages", "List messages"),
        "GET notifications/{id}/": ("getMessage", "Get a message with its timeline"),
        "POST notifications/{id}/retry/": ("retryMessage", "Retry a failed message"),
        "POST notifications/{id}/cancel/": ("cancelMessage", "Cancel a queued message"),
        "GET users/{user_id}/notification-preferences/": (
            "getUserPreferences",
            "Get a user's notification preferences",
        ),
        "GET sms-templates/": ("listSmsTemplates", "List SMS templates"),
        "POST sms-templates/": ("createSmsTemplate", "Create an SMS template"),
        "GET sms-templates/{id}/": ("getSmsTemplate", "Get an SMS template"),
        "PATCH sms-templates/{id}/": ("updateSmsTemplate", "Change an SMS template"),
        "DELETE sms-templates/{id}/": ("deleteSmsTemplate", "Delete an SMS template"),
        "POST sms-templates/{id}/preview/": ("previewSmsTemplate", "Preview an SMS template"),
        "POST sms-templates/{id}/test/": ("testSmsTemplate", "Send an SMS template to yourself"),
        "GET sms-templates/{id}/versions/": ("listSmsTemplateVersions", "List the versions of an SMS template"),
        "POST sms-templates/{id}/versions/{number}/restore/": (
            "restoreSmsTemplate",
            "Restore a version of an SMS template",
        ),
        "GET email-templates/": ("listEmailTemplates", "List the product's e-mails"),
        "GET email-templates/{name}/": ("getEmailTemplate", "Get the product's own content of an e-mail"),
        "GET email-overrides/": ("listEmailOverrides", "List e-mail overrides"),
        "POST email-overrides/": ("createEmailOverride", "Override an e-mail"),
        "GET email-overrides/{id}/": ("getEmailOverride", "Get an e-mail override"),
        "PATCH email-overrides/{id}/": ("updateEmailOverride", "Change an e-mail override"),
        "DELETE email-overrides/{id}/": ("deleteEmailOverride", "Delete an e-mail override"),
        "POST email-overrides/{id}/preview/": ("previewEmailOverride", "Preview an e-mail override"),
        "POST email-overrides/{id}/test/": ("testEmailOverride", "Send an e-mail override to yourself"),
        "GET email-overrides/{id}/versions/": ("listEmailOverrideVersions", "List the versions of an e-mail override"),
        "POST email-overrides/{id}/versions/{number}/restore/": (
            "restoreEmailOverride",
            "Restore a version of an e-mail override",
        ),
        "GET suppressions/": ("listSuppressions", "List suppressed addresses"),
        "POST suppressions/": ("createSuppression", "Suppress an address"),
        "GET suppressions/{id}/": ("getSuppression", "Get a suppression"),
        "POST suppressions/{id}/lift/": ("liftSuppression", "Lift a suppression"),
        "POST webhooks/ses/": ("receiveSesReport", "Receive a report of Amazon SES"),
    },
    "Webhooks": {
        "GET webhooks/": ("listWebhooks", "List webhook endpoints"),
        "POST webhooks/": ("createWebhook", "Add a webhook endpoint"),
        "GET webhooks/{id}/": ("getWebhook", "Get a webhook endpoint"),
        "PATCH webhooks/{id}/": ("updateWebhook", "Change a webhook endpoint"),
        "DELETE webhooks/{id}/": ("deleteWebhook", "Delete a webhook endpoint"),
        "POST webhooks/{id}/test/": ("testWebhook", "Send a test event"),
        "POST webhooks/{id}/rotate-secret/": ("rotateWebhookSecret", "Replace the secret of a webhook endpoint"),
        "GET webhooks/{endpoint_id}/deliveries/": ("listWebhookDeliveries", "List deliveries to a webhook endpoint"),
        "POST webhooks/deliveries/{delivery_id}/replay/": ("replayDelivery", "Deliver an event again"),
        "POST webhooks/{endpoint_id}/deliveries/{delivery_id}/replay/": (
            "replayDeliveryOfWebhook",
            "Deliver an event of an endpoint again",
        ),
    },
    "Events": {"GET events/": ("listEvents", "List security events")},
}


def call_of(method: str, path: str) -> str:
    """Return an operation as OPERATIONS names it: method, and path below PREFIX."""
    return f"{method.upper()} {path.removeprefix(PREFIX)}"


def name_operations(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """Set names, summaries and tags of operations, and sort them. A postprocessing hook of drf-spectacular."""
    names = {call: (tag, *name) for tag, calls in OPERATIONS.items() for call, name in calls.items()}
    tags = {f"{PREFIX}{module.url}/": str(module.verbose_name) for module in registry.installed()}
    for path, methods in result["paths"].items():
        of_module = next((tag for prefix, tag in tags.items() if path.startswith(prefix)), None)
        for method, operation in methods.items():
            named = names.get(call_of(method, path))
            if named:
                tag, operation["operationId"], operation["summary"] = named
                operation["tags"] = [tag]
                continue
            operation["tags"] = [of_module] if of_module else operation["tags"]
            operation.setdefault("summary", operation.get("description", "").partition(".")[0].partition("\n")[0])
    described = {**TAGS, **{str(module.verbose_name): module.description for module in registry.installed()}}
    result["tags"] = [{"name": name, "description": description} for name, description in described.items()]
    places = {call: place for place, call in enumerate(names)}
    result["paths"] = dict(sorted(result["paths"].items(), key=lambda item: _place(item, places)))
    return result


def _place(item: tuple[str, dict[str, Any]], places: dict[str, int]) -> int:
    path, methods = item
    return min(places.get(call_of(method, path), len(places)) for method in methods)
