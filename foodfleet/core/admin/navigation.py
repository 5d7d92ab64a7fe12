"""The sidebar of the admin: the pages that the user may open, grouped by subject."""

from typing import Any

from django.contrib.admin import AdminSite
from django.http import HttpRequest
from django.urls import reverse
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from foodfleet.core.admin.base import Subject


def groups(site: AdminSite, request: HttpRequest) -> list[dict[str, Any]]:
    """Return the groups, the home page first, in the form that unfold's templates expect."""
    home = reverse("admin:index")
    found: dict[str, list[dict[str, Any]]] = {str(subject.label): [] for subject in Subject}
    for app in site.get_app_list(request):
        for model in app["models"]:
            if model["admin_url"] is None:
                continue
            model_admin: Any = site.get_model_admin(model["model"])
            item = _item(str(model["name"]), model["admin_url"], model_admin.icon, request)
            title = str(app["name"] if model_admin.subject is None else model_admin.subject.label)
            group = found.setdefault(title, [])
            group.insert(0 if model_admin.comes_first else len(group), item)
    first = {"items": [_item(str(_("Home")), home, "home", request)]}
    return [first, *({"title": title, "items": items} for title, items in found.items() if items)]


def _item(title: str, link: str, icon: str, request: HttpRequest) -> dict[str, Any]:
    is_home = link == reverse("admin:index")
    return {
        "title": capfirst(title),
        "link": link,
        "icon": icon,
        "active": request.path == link if is_home else request.path.startswith(link),
        "has_permission": True,
    }
