"""Links in mails about security: "That wasn't me"."""

from accounts.models import User
from accounts.services.one_time import tokens
from accounts.states import TokenPurpose


def issue(user: User) -> str:
    """The token of a link for one mail about security to `user`'s present address."""
    return tokens.issue(user, TokenPurpose.NOT_ME, data={"email": user.email})


def owner_of(token: str) -> User:
    """Whose link this is; not spent by looking. Raises InvalidTokenException."""
    return tokens.find(token, TokenPurpose.NOT_ME).user
