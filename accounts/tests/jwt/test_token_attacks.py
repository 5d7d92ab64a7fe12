"""The attacks on JSON web tokens that RFC 8725 lists, and their relatives: each is refused, whatever signs here."""

import base64
import hashlib
import hmac
import json
import time
import uuid
import zlib
from dataclasses import dataclass
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.core.management import call_command
from jwt.algorithms import get_default_algorithms

from accounts.services.jwt import keyring

pytestmark = [pytest.mark.django_db, pytest.mark.once]
ME, REFRESH, LOGOUT = "/api/v1/users/me/", "/api/v1/auth/refresh/", "/api/v1/auth/logout/"
ALGORITHMS = ["HS256", "EdDSA", "ES256", "RS256"]
OTHER = {"HS256": "EdDSA", "EdDSA": "HS256", "ES256": "RS256", "RS256": "ES256"}
SIGNATURE_BYTES = {"HS256": 32, "EdDSA": 64, "ES256": 64, "RS256": 384}
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def encoded(part: Any) -> str:
    return b64(part if isinstance(part, bytes) else json.dumps(part).encode())


def same_bytes(part: str) -> str:
    """A last letter that decodes to the same bytes, where there is one; else one that does not."""
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    others = [letter for letter in letters if letter != part[-1]]
    return next((letter for letter in others if unb64(part[:-1] + letter) == unb64(part)), others[0])


def foreign_key(algorithm: str) -> Any:
    """A key of the attacker's own."""
    if algorithm == "HS256":
        return b"a-secret-of-the-attackers-own-which-is-long-enough"
    if algorithm == "EdDSA":
        return ed25519.Ed25519PrivateKey.generate()
    if algorithm == "ES256":
        return ec.generate_private_key(ec.SECP256R1())
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@dataclass
class Forge:
    """A real token in its parts, and what it takes to make others of it."""

    algorithm: str
    token: str
    other: keyring.Key

    @property
    def header(self) -> dict[str, Any]:
        return jwt.get_unverified_header(self.token)

    @property
    def claims(self) -> dict[str, Any]:
        return jwt.decode(self.token, options={"verify_signature": False})

    @property
    def signature(self) -> str:
        return self.token.split(".")[2]

    def unsigned(self, header: Any, claims: Any = None, signature: str = "") -> str:
        return f"{encoded(header)}.{encoded(self.claims if claims is None else claims)}.{signature}"

    def signed(self, header: Any = None, claims: Any = None, *, key: Any = None, algorithm: str = "") -> str:
        """Signed as we would sign it, or with another key: raw, so that nothing is put right on the way."""
        key = keyring.signing_key().secret if key is None else key
        signer = get_default_algorithms()[algorithm or self.algorithm]
        message = self.unsigned(self.header if header is None else header, claims).rstrip(".")
        return f"{message}.{b64(signer.sign(message.encode(), signer.prepare_key(key)))}"

    def with_claims(self, **changes: Any) -> str:
        return self.signed(claims={**self.claims, **changes})

    def without_claim(self, name: str) -> str:
        return self.signed(claims={key: value for key, value in self.claims.items() if key != name})

    def with_header(self, **changes: Any) -> str:
        return self.signed({**self.header, **changes})

    def by_attacker(self, **header: Any) -> str:
        return self.signed({**self.header, **header}, key=foreign_key(self.algorithm))

    def with_public_key_as_secret(self, form: str) -> str:
        """RFC 8725 2.1: what everybody knows, taken for the secret of an HMAC."""
        public = keyring.signing_key().public
        if self.algorithm == "HS256":
            secret = keyring.signing_key().kid.encode()  # all that is public of this one
        elif form == "jwk":
            secret = json.dumps(keyring.signing_key().jwk).encode()
        else:
            subject = PublicFormat.SubjectPublicKeyInfo
            secret = public.public_bytes(Encoding.PEM if form == "pem" else Encoding.DER, subject)
        message = self.unsigned({**self.header, "alg": "HS256"}).rstrip(".")
        return f"{message}.{b64(hmac.digest(secret, message.encode(), hashlib.sha256))}"

    def own_jwk(self) -> dict[str, Any]:
        made = foreign_key("ES256").public_key()
        return json.loads(jwt.algorithms.ECAlgorithm.to_jwk(made))


HOUR = 3600
now = time.time
ATTACKS = {
    # 2.1 and 3.1: the algorithm is not the token's to choose
    **{f"alg {name!r}": lambda f, n=name: f.unsigned({**f.header, "alg": n})
       for name in ("none", "None", "NONE", "nOnE", "none ", "", None, 0, True, ["none"], {"a": "none"})},
    "alg none with the real signature": lambda f: f.unsigned({**f.header, "alg": "none"}, signature=f.signature),
    "alg none without kid": lambda f: f.unsigned({"alg": "none", "typ": "JWT"}),
    "no alg": lambda f: f.unsigned({"typ": "JWT", "kid": f.header["kid"]}, signature=f.signature),
    **{f"public key as the secret of HS256, {form}": lambda f, x=form: f.with_public_key_as_secret(x)
       for form in ("pem", "der", "jwk")},
    **{f"alg {alg} for a key that is of another": lambda f, a=alg: f.signed(
        {**f.header, "alg": a}, key=foreign_key(a), algorithm=a)
       for alg in ALGORITHMS},
    "HMAC with an empty secret": lambda f: f.signed(
        {**f.header, "alg": "HS384"}, key=b"\0", algorithm="HS384"),
    "key of one kid, alg and signature of another": lambda f: f.signed(
        {**f.header, "kid": f.other.kid}),
    "kid of one key, alg and signature of another": lambda f: f.signed(
        {**f.header, "alg": f.other.algorithm}, key=f.other.secret, algorithm=f.other.algorithm),
    # 3.10: nothing that a header names is believed
    "unknown kid": lambda f: f.with_header(kid="0123456789abcdef"),
    "no kid": lambda f: f.signed({"alg": f.algorithm, "typ": "JWT"}),
    **{f"kid {kid!r:.30}": lambda f, k=kid: f.with_header(kid=k)
       for kid in ("", None, 7, ["a"], {"a": 1}, "../../../../dev/null", "/dev/null", "' UNION SELECT 'key'--", "\0",
                   "0123456789abcdef\n", "\ud800", "x" * 2000, "http://attacker.example/key")},
    "two kids, the right one last": lambda f: f.signed(
        f'{{"alg": "{f.algorithm}", "kid": "x", "kid": "{f.header["kid"]}"}}'.encode(), key=foreign_key(f.algorithm)),
    "two algs": lambda f: f.unsigned(
        f'{{"alg": "{f.algorithm}", "alg": "none", "kid": "{f.header["kid"]}"}}'.encode()),
    **{f"{name} of an attacker": lambda f, n=name, v=value: f.by_attacker(**{n: v})
       for name, value in {"jku": "http://127.0.0.1:9/jwks.json", "x5u": "http://127.0.0.1:9/cert.pem",
                           "x5c": ["MIIB"], "x5t": "abc"}.items()},
    "jwk of an attacker": lambda f: f.by_attacker(jwk=f.own_jwk()),
    "jwk of an attacker, no kid": lambda f: f.signed(
        {"alg": "ES256", "jwk": f.own_jwk()}, key=foreign_key("ES256"), algorithm="ES256"),
    # RFC 7515 4.1.11: an extension that we do not know is not passed over
    **{f"crit {value!r}": lambda f, v=value: f.with_header(crit=v, exp=1)
       for value in (["exp"], ["b64"], [], "exp", None)},
    "b64 false": lambda f: f.with_header(b64=False),
    "b64 false and crit": lambda f: f.with_header(b64=False, crit=["b64"]),
    # 2.2, 3.2, 3.3: the signature
    "no signature": lambda f: f.unsigned(f.header),
    "no third part": lambda f: f.token.rpartition(".")[0],
    "signature cut short": lambda f: f.token[:-8],
    "signature of one byte": lambda f: f.unsigned(f.header, signature=b64(b"\0")),
    "signature made longer": lambda f: f.token + "AAAA",
    **{f"signature with {more!r}": lambda f, m=more: f.token[:-5] + m + f.token[-5:]
       for more in ("=", "!", "\n", " ", "%00", "+")},
    "signature padded": lambda f: f.token + "=" * (-len(f.signature) % 4 or 4),
    "signature whose last letter says the same": lambda f: f.token[:-1] + same_bytes(f.signature),
    "signature of zeros": lambda f: f.unsigned(f.header, signature=b64(bytes(SIGNATURE_BYTES[f.algorithm]))),
    "psychic signature, r = s = 0 in DER": lambda f: f.unsigned(f.header, signature=b64(bytes.fromhex("3006020100020100"))),
    "psychic signature, r = s = n": lambda f: f.unsigned(
        f.header, signature=b64(P256_ORDER.to_bytes(32, "big") * 2)),
    "another's claims under a real signature": lambda f: f.unsigned(
        f.header, {**f.claims, "sub": "1"}, signature=f.signature),
    "another key": lambda f: f.by_attacker(),
    # 3.8, 3.9, 3.11, 3.12 and RFC 7519: the claims
    "expired": lambda f: f.with_claims(exp=int(now()) - HOUR),
    **{f"exp {value!r}": lambda f, v=value: f.with_claims(exp=v)
       for value in (None, "tomorrow", [1], True, -1, float("inf"), float("nan"), str(int(now()) + HOUR), now() + HOUR,
                     10**12, 10**400, {"a": 1}, "9" * 400)},
    **{f"{name} {value!r:.20}": lambda f, n=name, v=value: f.with_claims(**{n: v})
       for name in ("iat", "nbf")
       for value in (None, "yesterday", str(int(now()) - HOUR), now() - HOUR, [1], True, -1, -10**400, float("-inf"),
                     float("nan"), {"a": 1})},
    "not yet": lambda f: f.with_claims(nbf=int(now()) + HOUR),
    "made in the future": lambda f: f.with_claims(iat=int(now()) + HOUR),
    **{f"iss {value!r}": lambda f, v=value: f.with_claims(iss=v)
       for value in ("http://attacker.example", "", None, ["http://testserver"], 1, True, {"http://testserver": 1})},
    **{f"aud {value!r}": lambda f, v=value: f.with_claims(aud=v)
       for value in ("another", "", None, [], ["another"], {"foodfleet": 1}, ["foodfleet"], ["foodfleet", "another"], 1,
                     [["foodfleet"]], [1, "foodfleet"])},
    **{f"type {value!r}": lambda f, v=value: f.with_claims(type=v)
       for value in ("challenge", "", None, "Access", ["access"], ["refresh"], "reset_password", 1, True, {"access": 1})},
    **{f"typ {value!r}": lambda f, v=value: f.with_header(typ=v) for value in ("at+jwt", "JWE", "", 7, ["JWT"])},
    **{f"without {name}": lambda f, n=name: f.without_claim(n)
       for name in ("exp", "iat", "jti", "iss", "aud", "sub", "sid", "type")},
    **{f"sub {value!r}": lambda f, v=value: f.with_claims(sub=v)
       for value in (1, "0", "", None, ["1"], "-1", "1 OR 1=1", "9" * 40, "\0", 1.0, True, {"1": 1}, 10**400)},
    **{f"sid {value!r}": lambda f, v=value: f.with_claims(sid=v)
       for value in (1, "", None, [], "x", str(uuid.UUID(int=0)), "\0", "*", True, {"a": 1}, 10**400)},
    **{f"jti {value!r}": lambda f, v=value: f.with_claims(jti=v) for value in (1, None, ["a"], True, {"a": 1}, 10**400)},
    # 2.4, 2.5, 3.6, 3.7 and what is no signed token at all
    "JWE": lambda f: f"{encoded({'alg': 'dir', 'enc': 'A256GCM'})}..{b64(bytes(12))}.{b64(bytes(99))}.{b64(bytes(16))}",
    "JWE with our kid and a compressed text": lambda f: ".".join(
        [encoded({"alg": "RSA-OAEP", "enc": "A256GCM", "zip": "DEF", "kid": f.header["kid"]}), *[b64(bytes(32))] * 4]),
    "compressed claims": lambda f: f.signed({**f.header, "zip": "DEF"}, zlib.compress(b"{}")),
    "nested in an attacker's": lambda f: f.signed(
        {**f.header, "cty": "JWT"}, f.token.encode(), key=foreign_key(f.algorithm)),
    "nested in ours": lambda f: f.signed({**f.header, "cty": "JWT"}, f.token.encode()),
    "huge": lambda f: f.with_claims(padding="x" * 100_000),
    **{f"claims that are {raw!r:.20}": lambda f, r=raw: f.signed(claims=r)
       for raw in (b"", b"{", b"[]", b"null", b"1", b'"x"', b"\xff\xfe", b"[" * 2000, b'{"a":' * 500, b"\0")},
    **{f"header that is {raw!r:.20}": lambda f, r=raw: f.unsigned(r, signature=f.signature)
       for raw in (b"", b"{", b"[]", b"null", b"1", b'"x"', b"\xff\xfe", b"[" * 2000, b'{"a":' * 500, b"\0",
                   b'{"alg": 1e999999}', b'{"kid": ' + b"9" * 2000 + b"}")},
    "two subjects under an attacker's key": lambda f: f.signed(
        claims=b'{"sub": "1", "sub": "2"}', key=foreign_key(f.algorithm)),
    "JSON serialisation": lambda f: json.dumps(
        dict(zip(("protected", "payload", "signature"), f.token.split("."), strict=True))),
    "no dots": lambda f: f.token.replace(".", ""),
    "dots alone": lambda f: "..",
    "four parts": lambda f: f.token + ".x",
    "not base64": lambda f: "%%%.%%%.%%%",
    "beyond ASCII": lambda f: f.token + "\u00e9",
}  # fmt: skip


@pytest.fixture(params=ALGORITHMS)
def algorithm(request, settings, user):
    """A signing key, and one that signed until now."""
    for name in (OTHER[request.param], request.param):
        settings.JWT_SIGNING_ALGORITHM = name
        keyring.forget()
        call_command("rotate_jwt_keys", verbosity=0)
    return request.param


def refused(response):
    body = response.json() if response.content else {}
    return (
        response.status_code == 401
        and body["code"] == "invalid_token"
        and set(body) == {"error", "code", "details", "request_id"}
        and response["WWW-Authenticate"] == "Bearer"
    )


def failures(api, pair, algorithm):
    """Names of the attacks that are not refused as the contract says."""
    other = next(key for key in keyring._ring(max_age=99).verifying.values() if key.algorithm == OTHER[algorithm])
    for kind in ("access", "refresh"):
        forge = Forge(algorithm, pair[kind], other)
        for name, attack in ATTACKS.items():
            token = attack(forge)
            if kind == "access":
                answers = [api.get(ME, headers={"Authorization": f"Bearer {token}"})]
            else:
                # To sign out, a token that is really ours need not be known any more: it may have been purged.
                ours = name.startswith(("sub ", "sid "))
                answers = [api.post(path, {"refresh": token}) for path in ([REFRESH] if ours else [REFRESH, LOGOUT])]
            yield from (f"{kind}: {name}: {answer.status_code}" for answer in answers if not refused(answer))


def test_every_attack_on_a_token_is_refused(algorithm, sign_in, api):
    pair = sign_in()
    let_through = "\n".join(failures(api, pair, algorithm))
    assert not let_through, let_through
    assert api.get(ME, headers={"Authorization": f"Bearer {pair['access']}"}).status_code == 200
    assert api.post(REFRESH, {"refresh": pair["refresh"]}).status_code == 200


def test_unchanged_tokens_of_the_forge_are_accepted(algorithm, sign_in, api):
    forge = Forge(algorithm, sign_in()["access"], other=keyring.signing_key())
    assert forge.signed() != forge.token or algorithm in {"HS256", "EdDSA", "RS256"}
    for token in (forge.signed(), forge.with_claims(nbf=int(now()) - 1), forge.with_header(typ="JWT")):
        assert api.get(ME, headers={"Authorization": f"Bearer {token}"}).status_code == 200
