"""Firebase's scrypt."""

import base64

import pytest
from django.contrib.auth.hashers import identify_hasher

from accounts.services.passwords.hashers import formats

pytestmark = pytest.mark.django_db


FIREBASE_SIGNER = "jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA=="
FIREBASE_HASH = "lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5lQ=="


def test_the_example_of_firebases_own_scrypt_verifies():
    """From the README of github.com/firebase/scrypt: salt, separator, 8 rounds, mem_cost 14."""
    salt = base64.b64encode(base64.b64decode("42xEC+ixf3L2lw==") + base64.b64decode("Bw==")).decode()
    pairs = zip(base64.b64decode(FIREBASE_HASH), base64.b64decode(FIREBASE_SIGNER), strict=True)
    stream = base64.b64encode(bytes(one ^ other for one, other in pairs)[:32]).decode()
    encoded = formats.encoded(f"firebase_scrypt$14$8${salt}${stream}")
    assert identify_hasher(encoded).verify("user1password", encoded)
    assert not identify_hasher(encoded).verify("user2password", encoded)
