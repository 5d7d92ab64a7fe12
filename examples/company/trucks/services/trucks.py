"""Add trucks. Who may is decided in the transaction of the change."""

from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction

from foodfleet.core.http.clients import Client
from foodfleet.modules import events
from rbac.services import actors
from trucks.exceptions import FleetFullException, TruckExistsException
from trucks.models import Truck

READ, CREATE = "trucks:read", "trucks:create"


def add(*, actor: Any, name: str, scope: str, client: Client) -> Truck:
    """Add a truck to a fleet.

    Raises InsufficientPermissionsException, FleetFullException and TruckExistsException.
    """
    with transaction.atomic():
        actors.lock_actor(actor, CREATE, scope=scope)
        if Truck.objects.filter(scope=scope).count() >= settings.MOST_TRUCKS_OF_A_FLEET:
            raise FleetFullException
        try:
            with transaction.atomic():
                truck = Truck.objects.create(name=name, scope=scope)
        except IntegrityError:
            raise TruckExistsException from None
        events.record(kind="truck_added", actor=actor, client=client, details={"truck": truck.pk, "name": name})
    return truck
