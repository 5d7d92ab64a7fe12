"""A fake Amazon SNS: topics, certificates and signatures."""

import datetime as dt
import json
import uuid
from base64 import b64encode

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.x509.oid import NameOID

from notifications.exceptions import SnsUnreachableError

TOPIC = "arn:aws:sns:eu-central-1:123456789012:mail-events"
CERTIFICATE = "https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-0123456789abcdef0123456789abcdef.pem"
SUBSCRIBE = "https://sns.eu-central-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn=" + TOPIC + "&Token=2336412f37"
KEY = generate_private_key(65537, 2048)
SIGNED = {
    "Notification": ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"],
    "SubscriptionConfirmation": ["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"],
    "UnsubscribeConfirmation": ["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"],
}


def certificate(key=KEY, days=30):
    """A self-signed certificate as PEM."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    now = dt.datetime.now(dt.UTC)
    end = now + dt.timedelta(days=days)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(min(now, end) - dt.timedelta(days=40)).not_valid_after(end)
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


class FakeHttp:
    """Returns the certificate and records the requested URLs."""

    def __init__(self, pem=None, down=False):
        self.pem = pem or certificate()
        self.down = down
        self.requests = []

    def get(self, url):
        self.requests.append(url)
        if self.down:
            raise SnsUnreachableError("TimeoutError")
        return self.pem


def signed(fields, key=KEY, version="1"):
    """`fields` with the signature of this version."""
    text = "".join(f"{name}\n{fields[name]}\n" for name in SIGNED[fields["Type"]] if name in fields)
    algorithm = hashes.SHA1() if version == "1" else hashes.SHA256()
    signature = b64encode(key.sign(text.encode(), PKCS1v15(), algorithm)).decode()
    return {
        **fields,
        "SignatureVersion": version,
        "Signature": signature,
        "SigningCertURL": fields.get("SigningCertURL", CERTIFICATE),
    }


def notification(message, *, version="1", key=KEY, **fields):
    """A signed notification of `message`."""
    now = dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    base = {
        "Type": "Notification", "MessageId": str(uuid.uuid4()), "TopicArn": TOPIC, "Timestamp": now,
        "Message": message if isinstance(message, str) else json.dumps(message), "Subject": "Amazon SES",
    }  # fmt: skip
    return signed({name: value for name, value in {**base, **fields}.items() if value is not None}, key, version)


def confirmation(**fields):
    """A signed request to confirm a subscription."""
    return notification(
        "You have chosen to subscribe",
        Subject=None,
        Type="SubscriptionConfirmation",
        **{"Token": "2336412f37", "SubscribeURL": SUBSCRIBE, **fields},
    )


def ses(kind, provider_id, recipients=("ann@example.com",), old_form=False, **part):
    """What SES says of one mail."""
    names = {
        "Bounce": ("bounce", "bouncedRecipients"), "Complaint": ("complaint", "complainedRecipients"), "Delivery": ("delivery", None),
        "Reject": ("reject", None), "DeliveryDelay": ("deliveryDelay", "delayedRecipients"), "Send": ("send", None), "Rendering Failure": ("failure", None),
    }  # fmt: skip
    name, listing = names[kind]
    body = {"timestamp": "2026-11-23T09:00:00.000Z", **part}
    if listing:
        body[listing] = [{"emailAddress": address} for address in recipients]
    mail = {
        "timestamp": "2026-11-23T08:59:00.000Z",
        "messageId": provider_id,
        "source": "no-reply@foodfleet.example",
        "destination": list(recipients),
    }
    return {"notificationType" if old_form else "eventType": kind, "mail": mail, name: body}


def post(api, body, content_type="text/plain; charset=UTF-8", **environ):
    """What the product answers to a call of Amazon SNS."""
    written = body if isinstance(body, (str, bytes)) else json.dumps(body)
    return api.generic("POST", "/api/v1/webhooks/ses/", written, content_type=content_type, **environ)
