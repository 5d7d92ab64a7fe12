"""Firebase's scrypt, whose output is an AES key.

Firebase encrypts the project's signer key with that AES key (CTR mode) and stores the ciphertext. XOR of ciphertext and
signer key gives the key stream. Its first 32 bytes are stored here, so that a comparison needs no signer key. Format:
`firebase_scrypt$<log2 n>$<r>$<base64 of salt and separator>$<base64 of the key stream>`.
"""

import base64
import hashlib
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from django.contrib.auth.hashers import BasePasswordHasher
from django.utils.crypto import constant_time_compare

from accounts.services.passwords.hashers.imported import Imported, ScryptHasher, is_cheap_scrypt

KEY_BYTES = STREAM_BYTES = 32
MAX_LOGARITHM = 20


class FirebaseScrypt(BasePasswordHasher):
    """The algorithm as a Django hasher. salt: everything between the algorithm and the key stream."""

    algorithm = "firebase_scrypt"

    def encode(self, password: str, salt: str) -> str:
        logarithm, block_size, salt64 = salt.split("$")
        key = hashlib.scrypt(
            password.encode(),
            salt=base64.b64decode(salt64),
            n=2 ** int(logarithm),
            r=int(block_size),
            p=1,
            maxmem=ScryptHasher.maxmem,
            dklen=KEY_BYTES,
        )
        stream = Cipher(algorithms.AES(key), modes.CTR(bytes(16))).encryptor().update(bytes(STREAM_BYTES))
        return f"{self.algorithm}${salt}${base64.b64encode(stream).decode()}"

    def decode(self, encoded: str) -> dict[str, Any]:
        algorithm, logarithm, block_size, salt, stream = encoded.split("$")
        return {
            "algorithm": algorithm,
            "logarithm": int(logarithm),
            "block_size": int(block_size),
            "salt": salt,
            "hash": stream,
        }

    def verify(self, password: str, encoded: str) -> bool:
        salt = encoded.partition("$")[2].rpartition("$")[0]
        return constant_time_compare(encoded, self.encode(password, salt))


class FirebaseScryptHasher(Imported, FirebaseScrypt):
    """The hasher of imported Firebase hashes."""

    def is_cheap(self, decoded: dict[str, Any]) -> bool:
        salt, stream = (base64.b64decode(decoded[name], validate=True) for name in ("salt", "hash"))
        if not (salt and len(stream) == STREAM_BYTES and 0 < decoded["logarithm"] <= MAX_LOGARITHM):
            return False
        return is_cheap_scrypt(2 ** decoded["logarithm"], decoded["block_size"], 1)
