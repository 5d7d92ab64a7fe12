"""Password hashers for tests: they count calls or wait. Settings name them."""

from threading import Event, Lock

from accounts.services.passwords.hashers.bcrypt_sha256 import BCryptHasher


class CountingHasher(BCryptHasher):
    """Counts how many passwords were hashed or compared; all threads together."""

    calls = 0
    _lock = Lock()

    def encode(self, password, salt):
        with CountingHasher._lock:
            CountingHasher.calls += 1
        return super().encode(password, salt)


class SlowHasher(BCryptHasher):
    """Compares, and then waits with the answer until it is let go."""

    compared = Event()
    let_go = Event()

    def verify(self, password, encoded):
        answer = super().verify(password, encoded)
        SlowHasher.compared.set()
        assert SlowHasher.let_go.wait(30)
        return answer
