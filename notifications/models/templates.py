"""Templates that staff edit: SMS templates, and overrides of the product's e-mails."""

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

SMS_LENGTH = 1600  # the maximum of Amazon SNS
LONGEST_HTML, LONGEST_TEXT = 100_000, 50_000  # characters of an override
NAME = RegexValidator(
    r"\A[A-Za-z0-9][A-Za-z0-9_.-]*\Z", _("Letters, digits and . _ - only, beginning with a letter or digit."), "invalid"
)


class SmsTemplateQuerySet(models.QuerySet["SmsTemplate"]):
    """Queries of SMS templates."""

    def usable(self, name: str) -> "SmsTemplateQuerySet":
        """Filter the active template with this name."""
        return self.filter(name=name, is_active=True)

    def search(self, words: str) -> "SmsTemplateQuerySet":
        """Filter templates that have all words in name, description or content."""
        found = self
        for word in words.split():
            found = found.filter(Q(name__icontains=word) | Q(description__icontains=word) | Q(content__icontains=word))
        return found


class SmsTemplate(models.Model):
    """An SMS with `{{name}}` placeholders, in the default language and in others."""

    name = models.CharField(_("name"), max_length=100, unique=True, validators=[NAME])
    content = models.TextField(_("content"), max_length=SMS_LENGTH)
    translations = models.JSONField(
        _("translations"), default=dict, blank=True, help_text=_('The content by language: {"de": "..."}.')
    )
    description = models.CharField(_("description"), max_length=500, blank=True, default="")
    examples = models.JSONField(
        _("examples"), default=dict, blank=True, help_text=_('A value for each placeholder: {"code": "123456"}.')
    )
    is_active = models.BooleanField(_("active"), default=True)
    version = models.PositiveIntegerField(_("version"), default=1, editable=False)
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)
    updated_at = models.DateTimeField(_("changed"), auto_now=True)

    objects = SmsTemplateQuerySet.as_manager()

    class Meta:
        verbose_name = _("SMS template")
        verbose_name_plural = _("SMS templates")

    def __str__(self) -> str:
        return self.name


class Version(models.Model):
    """The content after one edit; append-only."""

    number = models.PositiveIntegerField(_("version"))
    data = models.JSONField(_("data"))
    saved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("saved by"),
    )
    saved_at = models.DateTimeField(_("saved"), default=timezone.now, editable=False)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.number}"


class SmsTemplateVersion(Version):
    """One version of an SMS template."""

    template = models.ForeignKey(SmsTemplate, on_delete=models.CASCADE, related_name="versions")

    class Meta:
        verbose_name = _("version of an SMS template")
        verbose_name_plural = _("versions of SMS templates")
        constraints = [
            models.UniqueConstraint(fields=["template", "number"], name="notifications_sms_version_once"),
        ]


class EmailOverrideQuerySet(models.QuerySet["EmailOverride"]):
    """Queries of e-mail overrides."""

    def usable(self, template: str) -> "EmailOverrideQuerySet":
        """Filter the active overrides of an e-mail."""
        return self.filter(template=template, is_active=True)

    def search(self, words: str) -> "EmailOverrideQuerySet":
        """Filter overrides that have all words in the name of the e-mail or the subject."""
        found = self
        for word in words.split():
            found = found.filter(Q(template__icontains=word) | Q(subject__icontains=word))
        return found


class EmailOverride(models.Model):
    """Other content for an e-mail of the product, in one language, or for all without an override (`language` '')."""

    template = models.CharField(_("template"), max_length=100)
    language = models.CharField(_("language"), max_length=10, blank=True, default="")
    subject = models.CharField(_("subject"), max_length=200)
    html = models.TextField(_("HTML"), max_length=LONGEST_HTML)
    text = models.TextField(_("text"), max_length=LONGEST_TEXT)
    is_active = models.BooleanField(_("active"), default=True)
    version = models.PositiveIntegerField(_("version"), default=1, editable=False)
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)
    updated_at = models.DateTimeField(_("changed"), auto_now=True)

    objects = EmailOverrideQuerySet.as_manager()

    class Meta:
        verbose_name = _("e-mail override")
        verbose_name_plural = _("e-mail overrides")
        constraints = [
            models.UniqueConstraint(
                fields=["template", "language"],
                name="notifications_override_once",
                violation_error_message=_("This mail has an override in this language already."),
            )
        ]

    def __str__(self) -> str:
        return f"{self.template} {self.language}".strip()


class EmailOverrideVersion(Version):
    """One version of an e-mail override."""

    override = models.ForeignKey(EmailOverride, on_delete=models.CASCADE, related_name="versions")

    class Meta:
        verbose_name = _("version of an e-mail override")
        verbose_name_plural = _("versions of e-mail overrides")
        constraints = [
            models.UniqueConstraint(fields=["override", "number"], name="notifications_override_version_once"),
        ]
