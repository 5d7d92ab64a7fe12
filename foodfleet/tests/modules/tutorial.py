"""Apply the steps of docs/modules.md, "From here: a driver", to a module that startmodule made."""

import re

from foodfleet.tests.processes import ROOT

BLOCK = re.compile(r"```(?:python)?\n(.*?)```\n", re.DOTALL)
IMPORT = re.compile(r"`(from [\w.]+ import [\w, ]+)`")
END = None
# For each code block: the file, and the text after which the block stands there.
PLACES = [
    ("models.py", 'is_active = models.BooleanField(_("in use"), default=True)\n'),
    (None, END),  # what `manage.py check` says, which accounts/receivers/checks.py is tested for
    ("receivers.py", END),
    ("api/serializers.py", 'scope = ScopeField(read_only=True, help_text="Such as fleet:12. Null: none.")\n'),
    ("exceptions.py", END),
    ("services/trucks.py", END),
    ("api/views.py", "return Response(status=status.HTTP_204_NO_CONTENT)\n"),
    ("api/serializers.py", END),
    ("mails.py", END),
    ("templates/notifications/email/truck_assigned.subject.txt", END),
    ("templates/notifications/email/truck_assigned.txt", END),
    ("templates/notifications/email/truck_assigned.html", END),
    ("receivers.py", END),
    ("templates/trucks/list.html", '<p class="thing-detail"><bdi>{{ truck.scope }}</bdi></p>\n'),
    ("tests/test_api.py", END),
]
# What the text around the blocks says to change: the file, what is there, and what it becomes.
CHANGES = [
    ("api/serializers.py", '"is_active", "created_at"', '"is_active", "driver", "created_at"'),
    ("api/serializers.py", "import ScopeField", "import IdField, ScopeField"),
    ("signals.py", "truck_deleted = Signal()\n", "truck_deleted = Signal()\n\ntruck_assigned = Signal()\n"),
    ("services/trucks.py", "import TruckExistsException", "import DriverBusyException, TruckExistsException"),
    ("permissions.py", '"delete": "Delete trucks",', '"delete": "Delete trucks", "assign": "Assign drivers",'),
    ("permissions.py", '"trucks:delete"),', '"trucks:delete", "trucks:assign"),'),
    ("api/views.py", "import TruckExistsException", "import DriverBusyException, TruckExistsException"),
    ("api/views.py", "import TruckCreateSerializer", "import TruckAssignSerializer, TruckCreateSerializer"),
    ("api/views.py", '"destroy"})', '"destroy", "assign"})'),
    ("apps.py", '_("Truck deleted"),\n', '_("Truck deleted"),\n        "truck_assigned": _("Driver assigned"),\n'),
    ("pages/views.py", "visible_to(request.user)", 'visible_to(request.user).select_related("driver")'),
]


def steps():
    """Each code block with the imports that the text after it names."""
    text = (ROOT / "docs/modules.md").read_text()
    section = text[text.index("## From here: a driver") : text.index("## What the project asks")]
    _, *found = BLOCK.split(section)
    return [(block, IMPORT.findall(text)) for block, text in zip(found[::2], found[1::2], strict=True)]


def apply(module):
    """Make the changes in the folder of the module."""
    for (block, imports), (name, after) in zip(steps(), PLACES, strict=True):
        if name:
            _write(module / name, block, after, imports)
    for name, old, new in CHANGES:
        _replace(module / name, old, new)


def _write(path, block, after, imports):
    path.parent.mkdir(parents=True, exist_ok=True)
    if after is not END:
        _replace(path, after, f"{after}{_like(after, block)}")
    elif path.exists():
        path.write_text(f"{path.read_text()}\n\n{block}")
    else:
        path.write_text(block)
    for line in imports:
        _replace(path, "\nfrom ", f"\n{line}\nfrom ")


def _like(after, block):
    """The block, indented as a field of a class where it has no indentation; a method stands apart."""
    if block.startswith("driver = "):
        return f"    {block}"
    return f"\n{block}" if "def " in block else block


def _replace(path, old, new):
    text = path.read_text()
    assert old in text, f"{path.name} has no {old!r}"
    path.write_text(text.replace(old, new, 1))
