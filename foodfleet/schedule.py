"""CELERY_BEAT_SCHEDULE: the periodic tasks, with intervals in seconds."""

from typing import Any

BEAT: dict[str, dict[str, Any]] = {
    "apply early delivery reports": {"task": "notifications.apply_waiting_reports", "schedule": 60.0},
    "read the log of SMS": {"task": "notifications.read_sms_log", "schedule": 60.0},
    "purge expired rows": {"task": "accounts.purge_expired", "schedule": 3600.0},
    "run abandoned deferred jobs": {"task": "accounts.sweep", "schedule": 30.0},
    "perform due MFA resets": {"task": "accounts.run_due_resets", "schedule": 300.0},
    "delete accounts whose owners asked for it": {"task": "accounts.delete_due", "schedule": 3600.0},
    "count security events": {"task": "accounts.count_events", "schedule": 300.0},
    "count messages": {"task": "notifications.count_messages", "schedule": 300.0},
    "apply retention periods": {"task": "notifications.forget", "schedule": 3600.0},
    # A sweep expires when the next one is scheduled, so that they do not pile up without a worker.
    "sweep messages": {"task": "notifications.sweep", "schedule": 5.0, "options": {"expires": 5.0}},
}
