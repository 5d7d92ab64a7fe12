"""What can be done to trucks, and which default roles may."""

from rbac.permissions import DISPATCHER, FLEET_MANAGER, Resource

RESOURCES = (Resource("trucks", {"read": "See trucks", "create": "Add trucks"}, models=("trucks.Truck",)),)
GRANTS = {FLEET_MANAGER: ("trucks:read", "trucks:create"), DISPATCHER: ("trucks:read",)}
