"""Codes of an authenticator app: RFC 6238 with SHA-1, 6 digits and steps of 30 seconds, as every app knows it."""

import hmac
import io
import secrets
from base64 import b32decode, b32encode, b64encode
from urllib.parse import quote, urlencode

import qrcode
from django_otp.oath import TOTP
from qrcode.image.pil import PilImage
from qrcode.image.svg import SvgPathImage

from foodfleet.core import crypto
from foodfleet.core.typed_text import normalize_code

ISSUER = "FoodFleet"
STEP = 30  # seconds
DIGITS = 6
SECRET_BYTES = 20  # RFC 4226 section 4, R6: 160 bits; 32 letters of base32 without padding
PURPOSE = "totp"
GROUP = 4


def new_secret() -> str:
    """A random secret in base32."""
    return b32encode(secrets.token_bytes(SECRET_BYTES)).decode()


def sealed(secret: str) -> str:
    """The secret as it is kept: encrypted."""
    return crypto.encrypt(secret, purpose=PURPOSE)


def opened(box: str) -> str:
    """The secret of what `sealed` made. Raises DecryptionError."""
    return crypto.decrypt(box, purpose=PURPOSE)


def matching_steps(secret: str, code: str, *, now: float, drift: int) -> list[int]:
    """The steps, oldest first, whose code this is, from `drift` steps before `now` (Unix time) to as many after.

    All of them are computed and compared, so the time tells nothing. Spaces and hyphens do not count.
    """
    digits = normalize_code(code)
    if not (len(digits) == DIGITS and digits.isascii() and digits.isdigit()):
        return []
    clock = TOTP(b32decode(secret), step=STEP, digits=DIGITS)
    clock.time = now
    matching = []
    for clock.drift in range(-drift, drift + 1):
        if hmac.compare_digest(f"{clock.token():0{DIGITS}d}", digits) and clock.t() >= 0:
            matching.append(clock.t())
    return matching


def otpauth_uri(secret: str, account: str) -> str:
    """What an app reads out of the QR code."""
    label = quote(f"{ISSUER}:{account}", safe=":@")
    parameters = {"secret": secret, "issuer": ISSUER, "algorithm": "SHA1", "digits": DIGITS, "period": STEP}
    return f"otpauth://totp/{label}?{urlencode(parameters)}"


def in_groups(secret: str) -> list[str]:
    """The secret in words of four, for people who type it."""
    return [secret[start : start + GROUP] for start in range(0, len(secret), GROUP)]


def qr_png(uri: str) -> str:
    """The QR code as a `data:` URI of a PNG."""
    image = io.BytesIO()
    qrcode.make(uri, image_factory=PilImage, box_size=8, border=4).save(image, format="PNG")
    return f"data:image/png;base64,{b64encode(image.getvalue()).decode()}"


def qr_svg(uri: str) -> str:
    """The QR code as an `<svg>` element that can stand in a page, without style or script."""
    svg: str = qrcode.make(uri, image_factory=SvgPathImage, border=2).to_string(encoding="unicode")
    return svg
