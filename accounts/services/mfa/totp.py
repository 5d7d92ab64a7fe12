"""TOTP codes (RFC 6238) with SHA-1, 6 digits and steps of 30 seconds, which every authenticator app supports."""

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
    """Return a random secret in base32."""
    return b32encode(secrets.token_bytes(SECRET_BYTES)).decode()


def encrypt_secret(secret: str) -> str:
    """Encrypt a secret for the database."""
    return crypto.encrypt(secret, purpose=PURPOSE)


def decrypt_secret(ciphertext: str) -> str:
    """Decrypt what `encrypt_secret` returned. Raises DecryptionError."""
    return crypto.decrypt(ciphertext, purpose=PURPOSE)


def matching_steps(secret: str, code: str, *, now: float, drift: int) -> list[int]:
    """Return the steps, oldest first, whose code this is, within `drift` steps of `now` (Unix time).

    All of them are compared, so that the duration reveals nothing. Spaces and hyphens are ignored.
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
    """Return the otpauth URI that an app reads from the QR code."""
    label = quote(f"{ISSUER}:{account}", safe=":@")
    parameters = {"secret": secret, "issuer": ISSUER, "algorithm": "SHA1", "digits": DIGITS, "period": STEP}
    return f"otpauth://totp/{label}?{urlencode(parameters)}"


def in_groups(secret: str) -> list[str]:
    """Return the secret in groups of four characters, for typing."""
    return [secret[start : start + GROUP] for start in range(0, len(secret), GROUP)]


def qr_png(uri: str) -> str:
    """Return the QR code as a `data:` URI of a PNG."""
    image = io.BytesIO()
    qrcode.make(uri, image_factory=PilImage, box_size=8, border=4).save(image, format="PNG")
    return f"data:image/png;base64,{b64encode(image.getvalue()).decode()}"


def qr_svg(uri: str) -> str:
    """Return the QR code as an inline `<svg>` element, without style or script."""
    svg: str = qrcode.make(uri, image_factory=SvgPathImage, border=2).to_string(encoding="unicode")
    return svg
