"""Signals of changes to access, sent inside the transaction of the change.

Sent with `Signal.send`: an exception in a receiver rolls the whole change back. Each carries `actor` (a user, or None
for the system itself) and `client` (foodfleet.core.http.clients.Client).
"""

from django.dispatch import Signal

# A user was given a role. assignment: RoleAssignment. Sender: RoleAssignment.
role_granted = Signal()

# A role was taken from a user. assignment: RoleAssignment. Sender: RoleAssignment.
role_revoked = Signal()

# A role was created, changed or deleted. role: Role, change: str ("created", "updated", "deleted"), gained: list[str],
# lost: list[str] of codenames. Sender: Role.
role_changed = Signal()

# A permission was added or deleted by a person. codename: str, change: str ("created", "deleted"). Sender: Permission.
permission_changed = Signal()

# A scope was created, changed or deleted. scope: Scope, change: str ("created", "updated", "deleted"). Sender: Scope.
scope_changed = Signal()

# A user became a member of a scope, or no longer is one. membership: ScopeMembership. Sender: ScopeMembership.
member_added = Signal()
member_removed = Signal()
