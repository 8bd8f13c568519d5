"""The Celery application: used when one machine is not enough (JOB_ENGINE=celery).

Late acknowledgement and a prefetch of one; ``reject_on_worker_lost`` stays off, because the lease
in the Job row brings a lost run back, and without the poison loop that Celery's way has.
"""

from __future__ import annotations

import os

import django
from celery import Celery  # noqa: TID253 -- this module is Celery's door
from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "billing_portal.settings")
django.setup()

from billing_portal.jobs import worker  # noqa: E402 -- models need Django to be set up

app = Celery("portal", broker=settings.CELERY_BROKER_URL)
app.conf.update(
    task_acks_late=True,
    task_ignore_result=True,
    task_reject_on_worker_lost=False,
    task_publish_retry=False,  # a broker that is away must not hold up a request
    task_default_queue=settings.CELERY_QUEUE,
    worker_prefetch_multiplier=1,
    worker_hijack_root_logger=False,
    broker_connection_retry_on_startup=True,
)


@app.task(name="portal.run")  # type: ignore[untyped-decorator]  # Celery has no types
def run(pk: int, claim_no: int) -> None:
    """Run one admitted job."""
    worker.run(pk, claim_no)
