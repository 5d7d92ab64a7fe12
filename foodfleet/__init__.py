"""FoodFleet: accounts, access and messaging for a food fleet."""

__version__ = "1.0.0"
