"""For the load balancer: is the process alive, can it serve? For the staff: is the shop right?"""

import logging
import secrets
from functools import cache as cached

from django.conf import settings
from django.core.cache import cache
from django.db import Error, connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.http import HttpRequest, JsonResponse
from drf_yasg.utils import swagger_auto_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from shop_backend import invariants
from shop_backend.kernel import outbox
from shop_backend.kernel.access import may
from shop_backend.kernel.views import ShopView

logger = logging.getLogger(__name__)


def live(request: HttpRequest) -> JsonResponse:
    """Answer as long as the process does."""
    return JsonResponse({"status": "ok"})


def ready(request: HttpRequest) -> JsonResponse:
    """Answer 200 when the database answers and has every migration, else 503.

    A queue that is late or a cache that is away make it ``degraded``, which is 200 still: a
    worker that sleeps is no reason to turn customers away. With ``?strict=1``, for monitors that
    read no bodies, that is 503 too.
    """
    try:
        is_migrated = _has_every_migration()
        age = outbox.age_of_oldest_waiting() if is_migrated else None
    except Error:
        return JsonResponse({"status": "unavailable", "database": "down"}, status=503)
    if not is_migrated:
        pending = {"status": "unavailable", "database": "ok", "migrations": "pending"}
        return JsonResponse(pending, status=503)
    is_late = age is not None and age.total_seconds() > settings.QUEUE_LATE_SECONDS
    cache_answers = _cache_answers()
    is_degraded = is_late or not cache_answers
    body: dict[str, str | int | None] = {
        "status": "degraded" if is_degraded else "ok",
        "database": "ok",
        "migrations": "ok",
        "queue": "late" if is_late else "ok",
        "outbox_age_seconds": None if age is None else int(age.total_seconds()),
        "cache": "ok" if cache_answers else "down",
    }
    is_strict = request.GET.get("strict") == "1"
    return JsonResponse(body, status=503 if is_degraded and is_strict else 200)


def _cache_answers() -> bool:
    """Return whether what is put into the cache can be read there."""
    key, said = f"health-{secrets.token_hex(8)}", secrets.token_hex(8)
    try:
        cache.set(key, said, timeout=10)
        heard = cache.get(key)
        cache.delete(key)
    except Exception:  # each cache has errors of its own; whichever it is, the answer is no
        logger.exception("the cache does not answer")
        return False
    return bool(heard == said)


def _has_every_migration() -> bool:
    """Compare names alone, without building the graph at each request."""
    applied = set(MigrationRecorder(connection).applied_migrations())
    return _migrations_on_disk() <= applied


@cached
def _migrations_on_disk() -> frozenset[tuple[str, str]]:
    return frozenset(MigrationLoader(None).disk_migrations)


class InvariantsView(ShopView):
    """What must never be false, looked at now.

    The answer is 200 whether it holds or not: ``ok`` says which. Books that do not agree are no
    reason to take the shop away from its customers, as a 503 on a health path would. A sentence
    whose query ran out of time has ``ok: null``, and makes the whole not ok.
    """

    access = {"get": may("kernel.view_invariants")}
    parameters = {"get": frozenset({"only"})}
    throttle_scopes = {"get": "invariants"}
    etag_actions = frozenset()  # the seconds that it took are never the same

    @swagger_auto_schema(auto_schema=None)
    def get(self, request: Request) -> Response:
        """Run all of them, or those of ``?only=I2,I5``."""
        try:
            chosen = invariants.choose(request.query_params.get("only", ""))
        except invariants.UnknownCode as error:
            raise ValidationError({"only": [str(error)]}) from error
        findings = [each.check(seconds=invariants.SECONDS_ONLINE) for each in chosen]
        checked = [
            {
                "code": finding.invariant.code,
                "sentence": finding.invariant.sentence,
                "ok": None if finding.is_unknown else finding.is_kept,
                "count": finding.count,
                "broken_by": finding.names,
                "seconds": round(finding.seconds, 3),
            }
            for finding in findings
        ]
        return Response({"ok": all(finding.is_kept for finding in findings), "checked": checked})
