"""An authenticator app by another implementation: pyotp."""

import time

import pyotp

STEP = 30  # seconds
TIME_TO_TYPE = 5  # seconds that a code shown here is good for at least: a busy machine may be slow to send it


def app_code(secret: str, steps: int = 0) -> str:
    """The code that the app shows `steps` steps from now; near the end of a step, the one after is waited for."""
    left = STEP - time.time() % STEP
    if left < TIME_TO_TYPE:
        time.sleep(left + 0.05)
    return pyotp.TOTP(secret).at(int(time.time()) + steps * STEP)
