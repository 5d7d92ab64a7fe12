"""An authenticator app as another program makes it: Debian's oathtool."""

import subprocess
import time

STEP = 30  # seconds
TIME_TO_TYPE = 5  # seconds that a code shown here is good for at least: a busy machine may be slow to send it


def oathtool(secret: str, steps: int = 0) -> str:
    """The code that the app shows `steps` steps from now; near the end of a step, the one after is waited for."""
    left = STEP - time.time() % STEP
    if left < TIME_TO_TYPE:
        time.sleep(left + 0.05)
    moment = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(time.time() + steps * STEP))
    command = ["oathtool", "--totp", "--base32", "--now", moment, secret]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
