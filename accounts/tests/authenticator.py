"""A software passkey as browsers see one: ES256, a counter, optional user verification."""

import hashlib
import json
import secrets
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

USER_PRESENT, USER_VERIFIED, BACKUP_ELIGIBLE, BACKED_UP, ATTESTED = 0x01, 0x04, 0x08, 0x10, 0x40


def to_text(data):
    return urlsafe_b64encode(data).decode().rstrip("=")


def to_bytes(text):
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


class Authenticator:
    """One credential. origin: the page that it believes to be on; counting: whether its counter moves."""

    def __init__(self, origin="http://testserver", *, verifies=True, counting=True):
        self.origin = origin
        self.client_data = {"crossOrigin": False}  # what the browser says besides
        self.flags = USER_PRESENT | (USER_VERIFIED if verifies else 0)
        self.counting = counting
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.credential_id = secrets.token_bytes(32)
        self.count = 0
        self.user_handle = None

    def create(self, options):
        """What `navigator.credentials.create` would answer."""
        self.user_handle = options["user"]["id"]
        point = self.key.public_key().public_numbers()
        cose = {1: 2, 3: -7, -1: 1, -2: point.x.to_bytes(32, "big"), -3: point.y.to_bytes(32, "big")}
        attested = bytes(16) + struct.pack(">H", len(self.credential_id)) + self.credential_id + cbor2.dumps(cose)
        data = self._authenticator_data(options["rp"]["id"], ATTESTED) + attested
        statement = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        client = self._client_data("webauthn.create", options["challenge"])
        response = {
            "clientDataJSON": to_text(client),
            "attestationObject": to_text(statement),
            "transports": ["internal", "hybrid"],
        }
        return self._credential(response)

    def get(self, options, *, user_handle=True):
        """What `navigator.credentials.get` would answer."""
        client = self._client_data("webauthn.get", options["challenge"])
        data = self._authenticator_data(options["rpId"])
        signature = self.key.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        response = {
            "clientDataJSON": to_text(client),
            "authenticatorData": to_text(data),
            "signature": to_text(signature),
            "userHandle": self.user_handle if user_handle else None,
        }
        return self._credential(response)

    def _authenticator_data(self, rp_id, more_flags=0):
        self.count += self.counting
        return hashlib.sha256(rp_id.encode()).digest() + struct.pack(">BI", self.flags | more_flags, self.count)

    def _client_data(self, kind, challenge):
        said = {"type": kind, "challenge": challenge, "origin": self.origin, **self.client_data}
        return json.dumps(said).encode()

    def _credential(self, response):
        name = to_text(self.credential_id)
        return {"id": name, "rawId": name, "type": "public-key", "response": response, "clientExtensionResults": {}}
