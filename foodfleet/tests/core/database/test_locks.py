"""Locks of a name."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import OperationalError, connection, connections, transaction
from django.db.transaction import TransactionManagementError

from foodfleet.core.database.locks import lock_name

pytestmark = pytest.mark.django_db(transaction=True)


def is_free(*name):
    """Whether another connection gets the lock at once."""

    def attempt():
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("SET LOCAL lock_timeout = '100ms'")
                lock_name(*name)
        except OperationalError:
            return False
        finally:
            connections.close_all()
        return True

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(attempt).result()


def test_a_name_cannot_be_locked_without_a_transaction():
    with pytest.raises(TransactionManagementError):
        lock_name("order", 7, "a")


def test_a_name_can_be_locked_twice_in_a_transaction():
    with transaction.atomic():
        lock_name("order", 7, "a")
        lock_name("order", 7, "a")


@pytest.mark.postgres
@pytest.mark.parametrize("is_rolled_back", [False, True])
def test_a_name_is_locked_until_the_transaction_ends(is_rolled_back):
    with transaction.atomic():
        lock_name("order", 7, "a")
        assert not is_free("order", 7, "a")
        for other in (("order", 7, "b"), ("order", 8, "a"), ("refund", 7, "a")):
            assert is_free(*other)
        transaction.set_rollback(is_rolled_back)
    assert is_free("order", 7, "a")
