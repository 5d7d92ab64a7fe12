"""Calls of the API that change and reset a password."""

from conftest import PASSWORD, bearer

CHANGE = "/api/v1/auth/password/change/"
FORGOT = "/api/v1/auth/password/forgot/"
RESET = "/api/v1/auth/password/reset/"
ME = "/api/v1/users/me/"
NEW = "Other-Kitchen-77?"


def change(api, tokens, current=PASSWORD, new=NEW):
    return api.post(CHANGE, {"current_password": current, "new_password": new}, headers=bearer(tokens))


def reset_token(api, link_token, email="ann@example.com"):
    assert api.post(FORGOT, {"email": email}).status_code == 202
    return link_token("/password/reset/", to=email)
