"""A second process for tests: answers `user_id codename scope` lines with True or False, each as one request does.

The user object stays the same from request to request, as a cache of users may keep it.
"""

import sys

import django


def main() -> None:
    """Answer until the input ends."""
    django.setup()
    from django.contrib.auth import get_user_model
    from django.core.signals import request_finished, request_started

    users: dict[str, object] = {}
    print("ready", flush=True)
    for line in sys.stdin:
        user_id, codename = line.split()
        request_started.send(sender=main)
        user = users.setdefault(user_id, get_user_model().objects.get(pk=user_id))
        print(user.has_perm(codename), flush=True)
        request_finished.send(sender=main)


if __name__ == "__main__":
    main()
