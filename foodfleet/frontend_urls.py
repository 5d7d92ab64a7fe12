"""Validation of FRONTEND_URLS: for links in e-mails that open browser or mobile apps instead of our pages."""

import json
import re
from urllib.parse import urlsplit

TOKEN = "{token}"
# docs/browser-apps.md describes the events; notifications.services.compose.variables maps each to our page.
EVENTS_WITH_TOKEN = ("verify", "reset", "invitation", "email_change", "email_undo", "report_compromise")
EVENTS_WITHOUT_TOKEN = ("login", "forgot", "account")
CLIENT_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
LONGEST_URL = 500
# Schemes that a mail program or browser executes, or that open files of the reader.
REFUSED_SCHEMES = frozenset({"javascript", "data", "vbscript", "file", "blob", "about", "view-source"})

FrontendUrls = dict[str, dict[str, str]]


def parse(value: str) -> FrontendUrls:
    """Return the URL templates of each client by event. Raises ValueError with a description of valid values."""
    try:
        clients = json.loads(value)
    except (ValueError, RecursionError):
        clients = None
    if not isinstance(clients, dict):
        raise ValueError(  # noqa: TRY004  one kind of error for the reader of settings
            'JSON such as {"app": {"reset": "https://app.example.com/reset?token={token}"}}'
        )
    for name, urls in clients.items():
        if not CLIENT_NAME.fullmatch(name) or not isinstance(urls, dict):
            raise ValueError("JSON that maps names of clients (letters, digits, - _ .) to objects of event and URL")
        for event, url in urls.items():
            _check(event, url)
    return clients


def _check(event: str, url: object) -> None:
    if event not in (*EVENTS_WITH_TOKEN, *EVENTS_WITHOUT_TOKEN):
        raise ValueError(f"JSON with only these events: {', '.join((*EVENTS_WITH_TOKEN, *EVENTS_WITHOUT_TOKEN))}")
    if not isinstance(url, str) or not _is_address(url):
        raise ValueError(f"JSON with an address for {event}, such as https://app.example.com/{event} or app://{event}")
    if (url.count(TOKEN), url.replace(TOKEN, "").count("{")) != (int(event in EVENTS_WITH_TOKEN), 0):
        has_it = "once" if event in EVENTS_WITH_TOKEN else "not"
        raise ValueError(f"JSON whose address for {event} has {{token}} {has_it}, and no other braces")


def _is_address(url: str) -> bool:
    """Return whether `url` is an absolute URL in ASCII whose scheme and host do not depend on the token."""
    if len(url) > LONGEST_URL or not re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]*://[!#-;=?-Z\[\]_a-z{}~%]+", url):
        return False
    try:
        parts = urlsplit(url)
        has_port = parts.port != 0
    except ValueError:
        return False
    is_web = parts.scheme in {"http", "https"}
    is_bound = "{" not in parts.netloc and "@" not in parts.netloc
    return has_port and is_bound and parts.scheme not in REFUSED_SCHEMES and (bool(parts.hostname) or not is_web)
