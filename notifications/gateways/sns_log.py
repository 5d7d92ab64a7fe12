"""The log that Amazon SNS keeps of texts in CloudWatch, where the account switched it on."""

from collections.abc import Iterator
from dataclasses import dataclass

from botocore.exceptions import BotoCoreError, ClientError

from notifications.gateways import amazon

MAX_PAGES = 50


@dataclass(frozen=True)
class LogLine:
    """A line and CloudWatch's id of it."""

    id: str
    text: str


def lines(group: str, since_ms: int) -> Iterator[LogLine]:
    """The lines of a log group from a moment (Unix time in milliseconds) on.

    Raises TemporaryDeliveryError or PermanentDeliveryError.
    """
    question = {"logGroupName": group, "startTime": since_ms}
    try:
        for _page in range(MAX_PAGES):
            answer = amazon.client("logs").filter_log_events(**question)
            yield from (LogLine(event["eventId"], event["message"]) for event in answer["events"])
            if not answer.get("nextToken"):
                return
            question["nextToken"] = answer["nextToken"]
    except (ClientError, BotoCoreError) as error:
        raise amazon.sorted_error(error) from error
