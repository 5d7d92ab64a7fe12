"""FoodFleet: accounts, access and messaging for a food fleet."""
