"""Signals of changes of roles, permissions and scopes, sent inside the transaction of the change.

They are sent with `Signal.send`: an exception in a receiver rolls the change back. Every signal has `actor` (a user, or
None for the system itself) and `client` (foodfleet.core.http.clients.Client).
"""

from django.dispatch import Signal

# A role was assigned to a user. assignment: RoleAssignment. Sender: RoleAssignment.
role_granted = Signal()

# An assignment of a role was ended. assignment: RoleAssignment. Sender: RoleAssignment.
role_revoked = Signal()

# A role was created, changed or deleted. role: Role, change: str ("created", "updated", "deleted"), gained: list[str],
# lost: list[str] of codenames. Sender: Role.
role_changed = Signal()

# Staff added or deleted a permission. codename: str, change: str ("created", "deleted"). Sender: Permission.
permission_changed = Signal()

# A scope was created, changed or deleted. scope: Scope, change: str ("created", "updated", "deleted"). Sender: Scope.
scope_changed = Signal()

# A user was added to a scope, or removed from it. membership: ScopeMembership. Sender: ScopeMembership.
member_added = Signal()
member_removed = Signal()
