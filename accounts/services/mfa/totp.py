"""Set-up of an authenticator app: the secret, its otpauth URI and its QR code.

`TOTPDevice` in accounts/models/totp.py verifies and consumes its codes.
"""

import io
import secrets
from base64 import b32encode, b64encode
from urllib.parse import quote, urlencode

import qrcode
from django.conf import settings
from qrcode.image.pil import PilImage
from qrcode.image.svg import SvgPathImage

from accounts.models.totp import DIGITS, STEP

SECRET_BYTES = 20  # RFC 4226 section 4, R6: 160 bits recommended; in base32 it needs no padding
GROUP_LENGTH = 4


def new_secret() -> str:
    """Return a random secret in base32."""
    return b32encode(secrets.token_bytes(SECRET_BYTES)).decode()


def otpauth_uri(secret: str, account: str) -> str:
    """Return the otpauth URI that an app reads from the QR code."""
    label = quote(f"{settings.SITE_NAME}:{account}", safe=":@")
    parameters = {"secret": secret, "issuer": settings.SITE_NAME, "algorithm": "SHA1", "digits": DIGITS, "period": STEP}
    return f"otpauth://totp/{label}?{urlencode(parameters)}"


def in_groups(secret: str) -> list[str]:
    """Return the secret in groups of four characters, for typing."""
    return [secret[start : start + GROUP_LENGTH] for start in range(0, len(secret), GROUP_LENGTH)]


def qr_png(uri: str) -> str:
    """Return the QR code as a `data:` URI of a PNG."""
    image = io.BytesIO()
    qrcode.make(uri, image_factory=PilImage, box_size=8, border=4).save(image, format="PNG")
    return f"data:image/png;base64,{b64encode(image.getvalue()).decode()}"


def qr_svg(uri: str) -> str:
    """Return the QR code as an inline `<svg>` element, without style or script."""
    svg: str = qrcode.make(uri, image_factory=SvgPathImage, border=2).to_string(encoding="unicode")
    return svg
