"""Show the HTML of an e-mail in a frame where none of its code runs."""

from collections.abc import Callable

from csp.decorators import csp_replace
from django.http import HttpResponseBase
from django.views.decorators.clickjacking import xframe_options_sameorigin

View = Callable[..., HttpResponseBase]

# E-mails have inline styles. The page is sandboxed also when it is opened outside of the frame.
POLICY = {
    "style-src": ["'self'", "'unsafe-inline'"],
    "script-src": ["'none'"],
    "form-action": ["'none'"],
    "frame-ancestors": ["'self'"],
    "sandbox": True,
}


def frames_email(view: View) -> View:
    """Allow our pages to frame the response of `view`, without scripts, forms or an origin."""
    return xframe_options_sameorigin(csp_replace(POLICY)(view))  # type: ignore[arg-type]  # its stub has no URL arguments
