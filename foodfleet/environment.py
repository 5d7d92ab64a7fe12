"""Typed, validated readers of environment variables, used only by the settings.

An invalid value raises `ConfigurationError`, whose message is one line with the variable and the permitted values.
"""

import json
import re
import sys
from collections.abc import Mapping, Sequence
from email.utils import getaddresses
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from django.core.exceptions import ValidationError
from django.core.validators import EmailValidator
from environ import Env

from foodfleet import frontend_urls, local_files
from foodfleet.core.email_addresses import mailed_domain, normalize_email
from foodfleet.core.http import ip_addresses
from foodfleet.modules import discovery
from foodfleet.service_urls import BROKER_FORMS, DATABASE_FORMS, FILE_FORMS, MEANT, Form, is_url

RATE_PATTERN = re.compile(r"(?P<count>[1-9][0-9]{0,8})/(?P<period>sec|second|min|minute|hour|day)")
PERIOD_SECONDS = {"sec": 1, "second": 1, "min": 60, "minute": 60, "hour": 3600, "day": 86400}


class ConfigurationError(Exception):
    """An environment variable is missing or has an invalid value, so that FoodFleet cannot start."""


SHORTEST_KEY = 32
SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
LIBPQ_OPTIONS = (
    "application_name", "channel_binding", "connect_timeout", "keepalives", "keepalives_count", "keepalives_idle",
    "keepalives_interval", "options", "sslcert", "sslcrl", "sslkey", "sslmode", "sslrootcert", "target_session_attrs",
    "tcp_user_timeout",
)  # fmt: skip


def require_broker(url: str) -> None:
    """Exit with an error of one line if there is no broker."""
    if not url:
        urls = " or ".join(f"{scheme}://" for scheme in BROKER_FORMS)
        sys.exit(f"FoodFleet cannot start. CELERY_BROKER_URL is not set: workers and beat need {urls}")


def default_sender(site_name: str, public_url: str) -> str:
    """Return the default of DEFAULT_FROM_EMAIL: an address at the host of PUBLIC_URL, if that is a domain."""
    host = urlsplit(public_url).hostname or ""
    has_name = re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)*\.[a-z][a-z0-9-]+", host)
    return f'"{site_name}" <no-reply@{host if has_name else "foodfleet.example"}>'


def _is_installed(package: str) -> bool:
    try:
        return find_spec(package) is not None
    except ModuleNotFoundError:  # not even the package that it is in
        return False


class Environment:
    """Reads variables from `values`. An empty variable counts as not set.

    A variable may be in a file instead, such as a container's secret, with its path in the variable `<name>_FILE`.
    """

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values

    def text(self, name: str, default: str = "") -> str:
        """Return the variable, or the content of its file, without surrounding white space."""
        value, path = (self._values.get(each, "").strip() for each in (name, f"{name}_FILE"))
        if value and path:
            raise ConfigurationError(f"{name} and {name}_FILE are both set: set only one of them.")
        return value or (self._content_of(name, path) if path else "") or default

    @staticmethod
    def _content_of(name: str, path: str) -> str:
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except (OSError, ValueError):
            meant = f"the path of a text file with the value of {name}"
            raise ConfigurationError(f"{name}_FILE has a wrong value: it must be {meant}.") from None

    def flag(self, name: str, *, default: bool) -> bool:
        """Return True for true/1/yes/on, False for false/0/no/off, in any case."""
        value = self.text(name).lower()
        if not value:
            return default
        if value in {"true", "1", "yes", "on"}:
            return True
        if value in {"false", "0", "no", "off"}:
            return False
        raise self.error(name, "true or false")

    def choice(self, name: str, choices: Sequence[str], default: str) -> str:
        """Return one of `choices`, compared without case."""
        value = self.text(name, default)
        for choice in choices:
            if value.lower() == choice.lower():
                return choice
        raise self.error(name, f"one of {', '.join(choices)}")

    def integer(self, name: str, default: int, *, minimum: int, maximum: int) -> int:
        """Return a whole number from `minimum` to `maximum`."""
        value = self.text(name, str(default))
        if not re.fullmatch(r"[0-9]{1,12}", value) or not minimum <= int(value) <= maximum:
            raise self.error(name, f"a whole number from {minimum} to {maximum}")
        return int(value)

    def number(self, name: str) -> float | None:
        """Return a number above 0, or None if the variable is not set."""
        value = self.text(name)
        if not value:
            return None
        if not re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,6})?", value) or float(value) <= 0:
            raise self.error(name, "a number above 0, such as 14 or 0.5")
        return float(value)

    def listing(self, name: str, default: Sequence[str] = ()) -> list[str]:
        """Return comma-separated words."""
        value = self.text(name)
        return [word.strip() for word in value.split(",") if word.strip()] if value else list(default)

    def networks(self, name: str, default: Sequence[str] = ()) -> list[ip_addresses.Network]:
        """Return comma-separated IP addresses or networks in CIDR notation."""
        try:
            return [ip_addresses.network(word) for word in self.listing(name, default)]
        except ValueError:
            raise self.error(
                name, "IP addresses or networks with commas between, such as 10.0.0.0/8,192.0.2.1"
            ) from None

    def origins(self, name: str) -> list[str]:
        """Return comma-separated origins as browsers write them: lower case, without the scheme's default port."""
        words = self.patterns(
            name,
            r"[A-Za-z][A-Za-z0-9+.-]*://([A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*|\[[0-9A-Fa-f:.]+\])(:[1-9][0-9]{0,4})?",
            "origins without path, with commas between, such as https://app.example.com,http://localhost:5173",
        )
        return [re.sub(r"^(http://.*):80$|^(https://.*):443$", r"\1\2", word.lower()) for word in words]

    def domains(self, name: str) -> list[str]:
        """Return comma-separated domains, normalized like `normalize_email`; a leading dot stays."""
        meant = "domains with commas between, such as example.com or, with all its subdomains, .example.com"
        words = self.patterns(name, r"\.?[\w-]+(\.[\w-]+)+", meant)
        try:
            for word in words:
                mailed_domain(word.removeprefix("."))
        except UnicodeError:
            raise self.error(name, meant) from None
        return ["." * word.startswith(".") + normalize_email(f"@{word.removeprefix('.')}")[1:] for word in words]

    def frontends(self, name: str) -> frontend_urls.FrontendUrls:
        """Return the JSON of `foodfleet.frontend_urls`; {} if the variable is not set."""
        try:
            return frontend_urls.parse(self.text(name, "{}"))
        except ValueError as error:
            raise self.error(name, str(error)) from None

    def rate(self, name: str, default: str) -> tuple[int, int] | None:
        """Return a rate such as `20/min` as (count, seconds), or None for `off`."""
        value = self.text(name, default).lower()
        if value == "off":
            return None
        match = RATE_PATTERN.fullmatch(value)
        if not match:
            raise self.error(name, "a rate such as 20/min (sec, min, hour or day), or off")
        return int(match["count"]), PERIOD_SECONDS[match["period"]]

    def pattern(self, name: str, pattern: str, meant: str, default: str = "") -> str:
        """Return a text that matches `pattern` completely."""
        value = self.text(name, default)
        if value and not re.fullmatch(pattern, value):
            raise self.error(name, meant)
        return value

    def patterns(self, name: str, pattern: str, meant: str, default: Sequence[str] = ()) -> list[str]:
        """Return comma-separated words that each match `pattern` completely."""
        words = self.listing(name, default)
        if not all(re.fullmatch(pattern, word) for word in words):
            raise self.error(name, meant)
        return words

    def modules(self, name: str, found: Sequence[str]) -> list[str]:
        """Return the modules: those found beside the product, and the installed packages that the variable names."""
        named = self.patterns(name, r"[a-z_]\w*(\.\w+)*", "names of Python packages with commas between")
        for package in named:
            if not discovery.is_module(package):
                meant = f"installed packages whose apps.py has a ModuleConfig (docs/modules.md); {package} is none"
                raise self.error(name, meant)
        return list(dict.fromkeys([*found, *named]))

    def keys(self, name: str, default: Sequence[str] = ()) -> list[str]:
        """Return comma-separated secrets."""
        meant = f"keys of at least {SHORTEST_KEY} random characters with commas between, the newest first"
        return self.patterns(name, rf".{{{SHORTEST_KEY},}}", meant, default)

    def sender(self, name: str, default: str) -> str:
        """Return an e-mail address with or without a name."""
        value = self.text(name, default)
        meant = "one sender, such as FoodFleet <no-reply@example.com>"
        match getaddresses([value]):
            case [(_, address)] if "\n" not in value and "\r" not in value:
                try:
                    EmailValidator()(address)
                except ValidationError:
                    raise self.error(name, meant) from None
                return value
        raise self.error(name, meant)

    def site_name(self, name: str, default: str) -> str:
        """Return the name of the site: one short line, also for e-mail senders, SMS and authenticator apps."""
        meant = 'a name of at most 40 characters, without line breaks and any of < > " \\ : { } %'
        return self.pattern(name, r'[^\x00-\x1f\x7f-\x9f<>"\\:{}%]{1,40}', meant, default)

    def logo(self, name: str) -> str:
        """Return the URL of an image: a path of this site, or https."""
        host = r"https://[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*(:[0-9]{1,5})?"
        meant = "a path of this site or an https address, such as /brand/logo.png or https://cdn.example.com/logo.png"
        return self.pattern(name, rf"({host})?/(?!/)[A-Za-z0-9._~/%+-]*[A-Za-z0-9]", meant)

    def address(self, name: str) -> str:
        """Return an e-mail address without a name; '' if the variable is not set."""
        value = self.text(name)
        try:
            if value:
                EmailValidator()(value)
        except ValidationError:
            raise self.error(name, "one e-mail address, such as support@example.com") from None
        return value

    def url(self, name: str, forms: Mapping[str, Form], default: str = "") -> str:
        """Return a URL that fits one of `forms`, with a scheme in lower case; '' without a value and a default."""
        value = self.text(name, default)
        if value:
            scheme = value.partition("://")[0].lower()
            if scheme not in forms or "://" not in value:
                raise self.error(name, "a URL that begins with " + " or ".join(f"{scheme}://" for scheme in forms))
            if not is_url(value, forms[scheme]):
                raise self.error(name, MEANT[forms[scheme]].format(scheme=scheme))
            value = scheme + value[len(scheme) :]
        return value

    def web_address(self, name: str, default: str) -> str:
        """Return an http(s) URL of a site, without path and trailing slash."""
        value = self.text(name, default).rstrip("/")
        parts = urlsplit(value) if is_url(value, Form.WEB) else None
        if parts is None or parts.scheme not in {"http", "https"} or parts.path or parts.query or parts.username:
            raise self.error(name, "the address of the site, such as https://accounts.example.com")
        return value

    def database(self, name: str, default: str) -> dict[str, Any]:
        """Return an entry of Django's DATABASES from a sqlite:/// or postgres:// URL."""
        value = self.url(name, DATABASE_FORMS, default)
        config = dict(Env.db_url_config(value))
        if value.startswith("sqlite"):
            if config["NAME"] != ":memory:":
                self._make_folder(name, Path(config["NAME"]).resolve().parent)
            return config
        options = config.get("OPTIONS", {})
        if any(key.lower() not in LIBPQ_OPTIONS for key, _ in parse_qsl(urlsplit(value).query, keep_blank_values=True)):
            raise self.error(name, f"a URL with only these options after the ?: {', '.join(LIBPQ_OPTIONS)}")
        if options.get("sslmode", "prefer") not in SSL_MODES:
            raise self.error(name, f"a URL with a sslmode of {', '.join(SSL_MODES)}")
        return config

    def mail_server(self, url: str) -> dict[str, Any]:
        """Return Django's EMAIL_* settings for an smtp:// or filemail:// URL."""
        if url.lower().startswith("filemail://"):
            return {"EMAIL_FILE_PATH": urlsplit(url).path}
        config = dict(Env.email_url_config(url))
        config.pop("EMAIL_BACKEND", None)
        config.pop("EMAIL_FILE_PATH", None)
        return config

    def attachments(self, name: str, *, region: str, endpoint: str) -> dict[str, Any]:
        """Return an entry of Django's STORAGES. region, endpoint: Amazon's, for s3://."""
        parts = urlsplit(self.url(name, FILE_FORMS, "database://"))
        if parts.scheme == "database":
            return {"BACKEND": "notifications.gateways.files.DatabaseStorage"}
        if parts.scheme == "file":
            return {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": parts.path}}
        options = {
            "bucket_name": parts.netloc,
            "location": parts.path.strip("/"),
            "region_name": region,
            "endpoint_url": endpoint or None,
        }
        return {"BACKEND": "notifications.gateways.s3_files.S3Files", "OPTIONS": options}

    def _make_folder(self, name: str, folder: Path) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError:
            raise self.error(name, f"a file in a folder that can be created; {folder} cannot") from None

    def json_object(self, name: str, meant: str) -> dict[str, Any]:
        """Return a JSON object; {} if the variable is not set."""
        return self._object(name, self.text(name, "{}"), meant)

    def json_file(self, name: str) -> dict[str, Any]:
        """Return the JSON object in the file whose path the variable has; {} if the variable is not set."""
        path = self.text(name)
        if not path:
            return {}
        meant = "the path of a file with a JSON object"
        try:
            return self._object(name, Path(path).read_text(encoding="utf-8"), meant)
        except (OSError, UnicodeDecodeError):
            raise self.error(name, meant) from None

    def _object(self, name: str, text: str, meant: str) -> dict[str, Any]:
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise self.error(name, meant)
        return found

    def files(self, name: str) -> list[Path]:
        """Return comma-separated paths of existing files."""
        paths = [Path(word) for word in self.listing(name)]
        for path in paths:
            if not path.is_file():
                raise self.error(name, f"paths of PEM files with commas between; {path} is not a file")
        return paths

    def need_packages(self, **packages: str) -> None:
        """Raise ConfigurationError for a variable that is set without the package that it needs.

        packages: the package that each variable needs.
        """
        for name, package in packages.items():
            if self.text(name) and not _is_installed(package):
                what = "'foodfleet[tracing]'" if local_files.IS_INSTALLED else "-r requirements-tracing.txt"
                raise ConfigurationError(
                    f"{name} is set and needs packages that are not installed. Run: pip install {what}"
                )

    def error(self, name: str, meant: str) -> ConfigurationError:
        """Return the error to raise for `name`. The value is not repeated: it may be a secret."""
        problem = "is not set" if not self.text(name) else "has a wrong value"
        return ConfigurationError(f"{name} {problem}: it must be {meant}.")
