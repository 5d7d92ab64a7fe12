"""Pages that show somebody else's HTML, a mail's: in a frame of ours, where nothing of it runs."""

from collections.abc import Callable

from csp.decorators import csp_replace
from django.http import HttpResponseBase
from django.views.decorators.clickjacking import xframe_options_sameorigin

View = Callable[..., HttpResponseBase]

# A mail's styles are inline. Opened by itself, without the frame's own sandbox, the page can do no more.
POLICY = {
    "style-src": ["'self'", "'unsafe-inline'"],
    "script-src": ["'none'"],
    "form-action": ["'none'"],
    "frame-ancestors": ["'self'"],
    "sandbox": True,
}


def shows_a_mail(view: View) -> View:
    """Let pages of ours frame what `view` answers, and let it run no script, send no form and have no origin."""
    return xframe_options_sameorigin(csp_replace(POLICY)(view))  # type: ignore[arg-type]  # its stub knows no arguments of addresses
