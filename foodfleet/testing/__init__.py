"""Support for tests with pytest, of the product and of modules. docs/packaging.md shows its use."""

PASSWORD = "Grill-Fleet-2026!"  # of the users that the fixtures make
