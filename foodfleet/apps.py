from django.contrib.admin.apps import AdminConfig


class GatedAdminConfig(AdminConfig):
    """Django's admin, which is entered through the pages."""

    default_site = "accounts.pages.admin_site.GatedAdminSite"
