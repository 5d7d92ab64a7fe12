"""Workers are notified without waiting for a broker."""

from threading import Event

from notifications.receivers import worker_notifier
from notifications.receivers.worker_notifier import WorkerNotifier
from notifications.states import Channel, Priority

CODE, BULK = (Channel.EMAIL, Priority.CODE), (Channel.EMAIL, Priority.BULK)


def test_workers_are_notified_before_the_caller_continues():
    published = []
    notifier = WorkerNotifier(published.append)
    notifier.notify(CODE)
    notifier.notify(BULK)
    assert published == [CODE, BULK]


def test_nobody_waits_long_for_a_broker_that_hangs(monkeypatch):
    monkeypatch.setattr(worker_notifier, "LONGEST_WAIT", 0.2)
    answers, published = Event(), []
    notifier = WorkerNotifier(lambda priority: published.append(answers.wait(60)))
    for _ in range(5):
        notifier.notify(CODE)
    assert published == []
    thread = notifier._thread
    answers.set()
    thread.join(20)
    assert published == [True, True]  # the four that came while the broker hung are one task


def test_after_a_broker_failure_the_next_connection_is_delayed():
    tries = []

    def publish(priority):
        tries.append(priority)
        raise ConnectionError

    notifier = WorkerNotifier(publish)
    for _ in range(3):
        notifier.notify(CODE)
    assert len(tries) == 1
    notifier.reset()
    notifier.notify(CODE)
    assert len(tries) <= 2


def test_after_a_failure_nobody_waits_for_the_next_try(monkeypatch):
    monkeypatch.setattr(worker_notifier, "PAUSE_SECONDS", 0)
    answers, tries, late = Event(), [], []

    def publish(priority):
        tries.append(priority)
        if len(tries) == 1:
            raise ConnectionError
        late.append(answers.wait(60))

    notifier = WorkerNotifier(publish)
    notifier.notify(CODE)
    notifier.notify(CODE)
    assert late == []
    answers.set()
