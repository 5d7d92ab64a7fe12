"""The admin's global search: pages, and rows of admins with `searched_everywhere`, that the user may see."""

from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.contrib.admin import AdminSite, ModelAdmin
from django.http import HttpRequest
from django.urls import reverse

from foodfleet.core.admin import navigation
from foodfleet.core.admin.base import BaseAdmin

SHORTEST, LONGEST = 3, 100  # characters of a term; a trigram index needs three
MOST_OF_ONE_KIND = 5


@dataclass(frozen=True)
class Found:
    """A search result. kind: the group of a page, or the name of a row's model."""

    title: str
    kind: str
    link: str
    icon: str


def find(site: AdminSite, request: HttpRequest, term: str) -> list[Found]:
    """Return the pages with `term` in their title, and rows with it, that the user may open."""
    term = term.strip()[:LONGEST]
    if len(term) < SHORTEST:
        return []
    groups = navigation.groups(site, request)
    pages = [
        Found(item["title"], str(group.get("title", "")), item["link"], item["icon"])
        for group in groups
        for item in group["items"]
        if term.casefold() in item["title"].casefold()
    ]
    return pages + [row for model_admin in _searched(site, request) for row in _rows(model_admin, request, term)]


def _searched(site: AdminSite, request: HttpRequest) -> list[BaseAdmin]:
    searched = (one for one in model_admins(site) if isinstance(one, BaseAdmin) and one.searched_everywhere)
    return [one for one in searched if one.has_view_permission(request)]


def model_admins(site: AdminSite) -> "list[ModelAdmin[Any]]":
    """Return the admins of all models that are registered."""
    return [site.get_model_admin(model) for model in apps.get_models() if site.is_registered(model)]


def _rows(model_admin: BaseAdmin, request: HttpRequest, term: str) -> list[Found]:
    queryset: Any = model_admin.get_queryset(request).order_by(*model_admin.get_ordering(request))
    rows, _has_duplicates = model_admin.get_search_results(request, queryset, term)
    opts = model_admin.opts
    name = f"admin:{opts.app_label}_{opts.model_name}_change"
    kind = str(opts.verbose_name)
    return [
        Found(model_admin.found_as(row), kind, reverse(name, args=[row.pk]), model_admin.icon)
        for row in model_admin.first_found(rows, MOST_OF_ONE_KIND)
    ]
