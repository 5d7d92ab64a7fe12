"""Name, logo and colours of an installation: the SITE_* settings, for pages, messages and the admin."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from foodfleet.core.http.access import PUBLIC, endpoint, viewable

PRODUCT = "FoodFleet"
READABLE = 4.5  # contrast of text, WCAG 2.2 success criterion 1.4.3 (AA)
WHITE, BLACK = "#ffffff", "#000000"
STEP = 0.04  # of the way to black or white
# The backgrounds of text in the site's colour, in site.css and the e-mails: paper, card and sunken.
LIGHT_GROUNDS = ("#f5f3ec", "#fffefb", "#f0ede3")
DARK_GROUNDS = ("#111814", "#19221d", "#131b17")


@dataclass(frozen=True)
class Palette:
    """The site's colour for one colour scheme.

    text: for links and icons, on every background and on `wash`. fill: of buttons, with `on_fill` for their text.
    deep and fill_deep: while the pointer is over them.
    """

    text: str
    deep: str
    on_text: str
    wash: str
    fill: str
    fill_deep: str
    on_fill: str


OWN_LIGHT = Palette("#1e5c43", "#15452f", WHITE, "#e4efe5", "#1e5c43", "#15452f", WHITE)
OWN_DARK = Palette("#93d1ab", "#b4e2c5", "#0d2216", "#1f3529", "#93d1ab", "#b4e2c5", "#0d2216")


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours, 1 to 21 (WCAG 2.2, "contrast ratio")."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def text_on(fill: str) -> str:
    """Return white or black, whichever has more contrast on `fill`; one of them always has READABLE contrast."""
    return max((WHITE, BLACK), key=lambda text: contrast(text, fill))


@lru_cache(maxsize=8)
def palettes(color: str) -> tuple[Palette, Palette]:
    """Return the light and the dark palette of a colour, our own for ''. Text has READABLE contrast in every colour."""
    if not color:
        return OWN_LIGHT, OWN_DARK
    return _palette(color, LIGHT_GROUNDS, towards=BLACK, share=0.12), _palette(
        color, DARK_GROUNDS, towards=WHITE, share=0.2
    )


def _palette(color: str, grounds: Sequence[str], *, towards: str, share: float) -> Palette:
    wash = _mix(grounds[1], color, share)
    text = color
    while min(contrast(text, ground) for ground in (*grounds, wash)) < READABLE and text != towards:
        text = _mix(text, towards, STEP)
    on_fill = text_on(color)
    away = BLACK if on_fill == WHITE else WHITE  # away from the colour of the text, so that it stays readable
    return Palette(
        text=text,
        deep=_mix(text, towards, 0.25),
        on_text=text_on(text),
        wash=wash,
        fill=color,
        fill_deep=_mix(color, away, 0.15),
        on_fill=on_fill,
    )


def _mix(one: str, other: str, share: float) -> str:
    """Return the colour that is `share` of the way from one colour to another, and at least one step nearer."""
    parts = zip(_parts(one), _parts(other), strict=True)
    return "#" + "".join(f"{_between(start, end, share):02x}" for start, end in parts)


def _between(start: int, end: int, share: float) -> int:
    moved = round(start + (end - start) * share)
    return moved if moved != start or start == end else start + (1 if end > start else -1)


def _parts(color: str) -> tuple[int, ...]:
    return tuple(int(color[start : start + 2], 16) for start in (1, 3, 5))


def _luminance(color: str) -> float:
    """Return the relative luminance (WCAG 2.2)."""
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in (value / 255 for value in _parts(color))
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


# -- For templates ----------------------------------------------------------------------------------------------------
def context(request: HttpRequest | None = None) -> dict[str, Any]:
    """Return the template variables of the site's branding, and whether people may register. A context processor."""
    return {
        "site_name": settings.SITE_NAME,
        "site_is_own": settings.SITE_NAME == PRODUCT,
        "site_logo": settings.SITE_LOGO,
        "site_color": settings.SITE_COLOR,
        "support_email": settings.SUPPORT_EMAIL,
        "registration": settings.REGISTRATION,
    }


def message_context() -> dict[str, Any]:
    """Return the same for e-mails, with colours and an absolute URL of the logo (no SVG: mail programs show none)."""
    logo = settings.SITE_LOGO
    light, dark = palettes(settings.SITE_COLOR)
    absolute = f"{settings.PUBLIC_URL}{logo}" if logo.startswith("/") else logo
    return {**context(), "site_logo": "" if logo.lower().endswith(".svg") else absolute, "light": light, "dark": dark}


STYLES = """:root {{
  --leaf: {0.text}; --leaf-deep: {0.deep}; --on-leaf: {0.on_text}; --leaf-wash: {0.wash};
  --fill: {0.fill}; --fill-deep: {0.fill_deep}; --on-fill: {0.on_fill};
}}
@media (prefers-color-scheme: dark) {{
  :root {{
    --leaf: {1.text}; --leaf-deep: {1.deep}; --on-leaf: {1.on_text}; --leaf-wash: {1.wash};
    --fill: {1.fill}; --fill-deep: {1.fill_deep}; --on-fill: {1.on_fill};
  }}
}}
html:root {{
  --color-primary-100: {0.wash}; --color-primary-500: {0.text}; --color-primary-600: {0.text};
  --color-primary-700: {0.deep};
}}
html.dark:root {{
  --fill: {0.fill}; --fill-deep: {0.fill_deep}; --on-fill: {0.on_fill};
  --color-primary-400: {1.deep}; --color-primary-500: {1.text}; --color-primary-600: {1.text};
  --color-primary-700: {1.deep};
}}
"""


@viewable
@endpoint(PUBLIC, "GET")
def stylesheet(request: HttpRequest) -> HttpResponse:
    """Return CSS with the site's colours; empty without SITE_COLOR. The CSP allows no inline style."""
    styles = STYLES.format(*palettes(settings.SITE_COLOR)) if settings.SITE_COLOR else ""
    return HttpResponse(
        styles, content_type="text/css; charset=utf-8", headers={"Cache-Control": "public, max-age=3600"}
    )
