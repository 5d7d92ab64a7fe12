"""A small Amazon in a process of its own: takes e-mails as SES does (v1 and v2, raw) and SMS as SNS does, slowly and
not always.

    python benchmarks/fake_amazon.py --port 4999 --latency 0.02 --throttled 0.01 --failing 0.01

`GET /report` tells what it took, `POST /reset` empties it. `GET /by/<access key>` tells to whom the client with this
key is sending at the moment, and to whom it has sent last, also after the client was killed. A mail counts as taken
when its answer is due, whether or not anybody is left to hear it: that is what makes a killed sender's mail go out
twice. Give each mail a recipient of its own, and "twice" means twice: `same_id` says how many of the second copies
bore the Message-ID of the first.
"""

import argparse
import asyncio
import json
import random
import re
import selectors
import time
from base64 import b64decode
from collections import Counter, defaultdict, deque
from urllib.parse import unquote, unquote_plus

V1_OK = (
    '<SendRawEmailResponse xmlns="http://ses.amazonaws.com/doc/2010-12-01/"><SendRawEmailResult><MessageId>{id}'
    "</MessageId></SendRawEmailResult><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></SendRawEmailResponse>"
)
V1_ERROR = (
    '<ErrorResponse xmlns="http://ses.amazonaws.com/doc/2010-12-01/"><Error><Type>Sender</Type><Code>{code}</Code>'
    "<Message>{message}</Message></Error><RequestId>r</RequestId></ErrorResponse>"
)
V1_QUOTA = (
    '<GetSendQuotaResponse xmlns="http://ses.amazonaws.com/doc/2010-12-01/"><GetSendQuotaResult>'
    "<SentLast24Hours>0</SentLast24Hours><Max24HourSend>1000000</Max24HourSend><MaxSendRate>{rate}</MaxSendRate>"
    "</GetSendQuotaResult><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></GetSendQuotaResponse>"
)
SNS_OK = (
    '<{call}Response xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><{call}Result>{result}</{call}Result>'
    "<ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></{call}Response>"
)
PHONE_NUMBER = re.compile(r"PhoneNumber=([^&]+)")
ACCESS_KEY = re.compile(r"Credential=([^/]+)/")
JUST_SENT = 500  # answers of a client that are remembered
DESTINATION = re.compile(r"Destinations\.member\.\d+=([^&]+)")
MAIL = re.compile(r'(?:RawMessage\.Data=|"Data": ?")([^&"]{0,3000})')  # its headers stand in the first 2 kB
MESSAGE_ID = re.compile(rb"(?im)^message-id:\s*(\S+)")


class Amazon:
    """What it took, when and how often."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self.arguments = arguments
        self.reset()

    def reset(self) -> None:
        self.taken: Counter[str] = Counter()
        self.arrivals: list[tuple[float, int]] = []
        self.first_taken: dict[str, float] = {}
        self.message_ids: dict[str, str] = {}
        self.same_id = 0
        self.in_flight = self.most_in_flight = self.refused = 0
        self.unanswered: defaultdict[str, list[str]] = defaultdict(list)  # by the client's access key
        self.answered: defaultdict[str, deque[str]] = defaultdict(lambda: deque(maxlen=JUST_SENT))

    def report(self) -> dict:
        return {
            "mails": len(self.arrivals),
            "recipients": len(self.taken),
            "twice": {address: count for address, count in self.taken.items() if count > 1},
            "same_id": self.same_id,
            "refused": self.refused,
            "most_in_flight": self.most_in_flight,
            "most_in_a_second": self.most_in_a_second(),
            "a_second": self.a_second(),
            "seconds": self.arrivals[-1][0] - self.arrivals[0][0] if self.arrivals else 0,
            "first_taken": self.first_taken,
        }

    def most_in_a_second(self) -> int:
        """The largest number of recipients in any window of one second."""
        most = within = begin = 0
        for arrived, recipients in self.arrivals:
            within += recipients
            while arrived - self.arrivals[begin][0] >= 1:
                within -= self.arrivals[begin][1]
                begin += 1
            most = max(most, within)
        return most

    def a_second(self) -> float:
        """Mails a second until 95 % of them had come: the rest are those that had to be tried again later."""
        most = int(len(self.arrivals) * 0.95)
        if most < 2:
            return 0.0
        return (most - 1) / (self.arrivals[most - 1][0] - self.arrivals[0][0])

    def record(self, recipient: str, message_id: str) -> None:
        self.taken[recipient] += 1
        self.first_taken.setdefault(recipient, time.time())
        if self.taken[recipient] > 1 and self.message_ids[recipient] == message_id:
            self.same_id += 1
        self.message_ids.setdefault(recipient, message_id)

    async def send(self, recipients: list[str], message_id: str, due: float, key: str) -> tuple[int, str, str]:
        """due: by `monotonic`, when the answer is. key: of the client."""
        self.unanswered[key] += recipients
        try:
            status, code, message = await self._send(recipients, message_id, due)
        finally:
            for recipient in recipients:
                self.unanswered[key].remove(recipient)
        if status == 200:
            self.answered[key].extend(recipients)
        return status, code, message

    async def _send(self, recipients: list[str], message_id: str, due: float) -> tuple[int, str, str]:
        arrived = time.time()
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            await asyncio.sleep(due - time.monotonic())
        finally:
            self.in_flight -= 1
        luck = random.random()
        if luck < self.arguments.throttled:
            self.refused += 1
            return 400, "Throttling", "Maximum sending rate exceeded."
        if luck < self.arguments.throttled + self.arguments.failing:
            self.refused += 1
            return 500, "InternalFailure", "Try again."
        self.arrivals.append((arrived, len(recipients)))
        for recipient in recipients:
            self.record(recipient, message_id)
        return 200, "", ""

    async def answer(self, path: str, body: bytes, due: float, key: str) -> tuple[int, str, str]:
        """Status, content type, body."""
        if path.startswith("/by/"):
            client = path.removeprefix("/by/")
            state = {"unanswered": self.unanswered[client], "answered": list(self.answered[client])}
            return 200, "application/json", json.dumps(state)
        if path == "/report":
            return 200, "application/json", json.dumps(self.report())
        if path == "/reset":
            self.reset()
            return 200, "application/json", "{}"
        if path.startswith("/v2/"):
            destination = json.loads(body)["Destination"]
            recipients = [address for group in destination.values() for address in group]
            status, code, message = await self.send(recipients, message_id(body.decode()), due, key)
            answer = {"MessageId": f"{time.time_ns()}"} if status == 200 else {"message": message, "__type": code}
            return status, "application/json", json.dumps(answer)
        text = body.decode()
        if "Action=GetSendQuota" in text:
            return 200, "text/xml", V1_QUOTA.format(rate=self.arguments.quota)
        if "Action=CheckIfPhoneNumberIsOptedOut" in text:
            await asyncio.sleep(due - time.monotonic())
            result = "<isOptedOut>false</isOptedOut>"
            return 200, "text/xml", SNS_OK.format(call="CheckIfPhoneNumberIsOptedOut", result=result)
        is_text = "Action=Publish" in text
        recipients = [unquote_plus(found) for found in (PHONE_NUMBER if is_text else DESTINATION).findall(text)]
        status, code, message = await self.send(recipients, "" if is_text else message_id(text), due, key)
        if status == 200 and is_text:
            return 200, "text/xml", SNS_OK.format(call="Publish", result=f"<MessageId>{time.time_ns()}</MessageId>")
        if status == 200:
            return 200, "text/xml", V1_OK.format(id=time.time_ns())
        return status, "text/xml", V1_ERROR.format(code=code, message=message)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                due = time.monotonic() + self.arguments.latency  # what we need to read it is a part of that
                length = re.search(r"(?i)\r\ncontent-length: *(\d+)", head)
                if re.search(r"(?i)\r\nexpect: *100-continue", head):
                    writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                body = await reader.readexactly(int(length[1])) if length else b""
                key = ACCESS_KEY.search(head)
                path = head.split(" ", 2)[1]
                status, content_type, answer = await self.answer(path, body, due, key[1] if key else "")
                data = answer.encode()
                header = f"HTTP/1.1 {status} X\r\nContent-Type: {content_type}\r\nContent-Length: {len(data)}\r\n"
                header += "x-amzn-RequestId: r\r\n\r\n"
                writer.write(header.encode() + data)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()


def message_id(body: str) -> str:
    """The Message-ID of the mail in a request's body."""
    found = MAIL.search(body)
    mail = unquote(found[1]) if found else ""
    header = MESSAGE_ID.search(b64decode(mail[: len(mail) // 4 * 4]))
    return header[1].decode() if header else ""


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=4999)
    parser.add_argument("--latency", type=float, default=0.02, help="seconds an answer takes")
    parser.add_argument("--throttled", type=float, default=0.01, help="share of mails that are throttled")
    parser.add_argument("--failing", type=float, default=0.01, help="share of mails that end in a 500")
    parser.add_argument("--quota", type=float, default=-1, help="what GetSendQuota says; -1 for unlimited")
    arguments = parser.parse_args()
    server = await asyncio.start_server(Amazon(arguments).serve, "127.0.0.1", arguments.port, limit=2**25)
    await server.serve_forever()


if __name__ == "__main__":
    # epoll's time is in whole milliseconds, rounded up: an answer would take one longer than it is said to.
    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(selectors.SelectSelector())) as runner:
        runner.run(main())
