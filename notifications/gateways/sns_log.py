"""Read Amazon SNS's delivery log of SMS in CloudWatch, if the account has enabled it."""

from collections.abc import Iterator
from dataclasses import dataclass

from notifications.gateways import amazon

MAX_PAGES = 50


@dataclass(frozen=True)
class LogLine:
    """A line of the log and CloudWatch's id of it."""

    id: str
    text: str


def lines(group: str, since_ms: int) -> Iterator[LogLine]:
    """Yield the lines of a log group. since_ms: Unix time in milliseconds.

    Raises TemporaryDeliveryError or PermanentDeliveryError.
    """
    query = {"logGroupName": group, "startTime": since_ms}
    try:
        for _page in range(MAX_PAGES):
            response = amazon.client("logs").filter_log_events(**query)
            yield from (LogLine(event["eventId"], event["message"]) for event in response["events"])
            if not response.get("nextToken"):
                return
            query["nextToken"] = response["nextToken"]
    except amazon.ERRORS as error:
        raise amazon.delivery_error(error) from error
