from foodfleet.modules.registry import ModuleConfig


class TrucksConfig(ModuleConfig):
    """Trucks, and who may see and add them."""

    name = "trucks"
    verbose_name = "Trucks"
    events = {"truck_added": "Truck added"}
