"""Errors of trucks."""

from foodfleet.core.exceptions import ConflictException


class TruckExistsException(ConflictException):
    """Another truck of the fleet has the name."""

    code = "truck_exists"
    message = "There is a truck of this name already."


class FleetFullException(ConflictException):
    """The fleet has as many trucks as MOST_TRUCKS_OF_A_FLEET allows."""

    code = "fleet_full"
    message = "This fleet has as many trucks as it may have."
