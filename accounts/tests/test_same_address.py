"""One address, asked for by many at once: they wait for each other, and none is turned away."""

import threading

import pytest
from django.db import OperationalError, connection, connections, transaction
from django.utils import timezone

from accounts.models import OtpPurpose, OtpRequestCount
from accounts.services import otps


@pytest.mark.portable
@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor == "sqlite", reason="one writer at a time: none can wait")
def test_requests_for_one_new_address_do_not_deadlock_over_its_count():
    refusals: list[Exception] = []
    start = threading.Barrier(8)

    def ask() -> None:
        try:
            for number in range(10):
                start.wait()
                with transaction.atomic():
                    otps.count_request(
                        purpose=OtpPurpose.ACTIVATION,
                        email=f"{number}@example.org",
                        now=timezone.now(),
                    )
        except OperationalError as error:
            refusals.append(error)
            start.abort()
        except threading.BrokenBarrierError:
            pass
        finally:
            connections.close_all()

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert refusals == []
    assert OtpRequestCount.objects.count() == 10
