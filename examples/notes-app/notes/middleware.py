"""Probes that answer whatever the Host header says, and the content security policy."""

import logging

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, Error, connections
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse

log = logging.getLogger(__name__)


class ProbesMiddleware:
    """Answers /healthz, /readyz and /version, before any other middleware can refuse the request.

    - `/healthz`: the process works. It asks nobody else, or a database that is down would have every pod restarted.
    - `/readyz`: the database answers and has this version's tables; 503 with the reason otherwise.
    - `/version`: the commit and the pod, as JSON.
    """

    def __init__(self, get_response):
        self.get_response = get_response
        self.answers = {"/healthz": self.health, "/readyz": self.readiness, "/version": self.version}
        self.migrated = False

    def __call__(self, request: HttpRequest) -> HttpResponse:
        answer = self.answers.get(request.path_info)
        if answer is None:
            return self.get_response(request)
        if request.method not in {"GET", "HEAD"}:
            return HttpResponse(status=405, headers={"Allow": "GET, HEAD"})
        response = answer()
        response["Cache-Control"] = "no-store"
        return response

    def health(self) -> HttpResponse:
        """Says that the process works."""
        return HttpResponse("ok\n", content_type="text/plain")

    def readiness(self) -> HttpResponse:
        """Says whether requests can be answered now."""
        try:
            reason = self.missing()
        except Error as error:
            log.warning("not ready: the database does not answer: %s", str(error).strip().splitlines()[0])
            # The error may name hosts and users: it belongs into the log, not to whoever asks.
            reason = "the database does not answer"
        if reason:
            return HttpResponse(f"not ready: {reason}\n", content_type="text/plain", status=503)
        return HttpResponse("ready\n", content_type="text/plain")

    def missing(self) -> str:
        """Returns what is missing, or nothing. Reads the list of migrations until they are all there, once, then only asks for a sign of life."""
        connection = connections[DEFAULT_DB_ALIAS]
        if self.migrated:
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1")
            return ""
        executor = MigrationExecutor(connection)
        pending = executor.migration_plan(executor.loader.graph.leaf_nodes())
        self.migrated = not pending
        return f"{len(pending)} migrations are missing" if pending else ""

    def version(self) -> HttpResponse:
        """Says what runs."""
        return JsonResponse({"commit": settings.COMMIT, "pod": settings.POD_NAME})


class ContentSecurityPolicyMiddleware:
    """Lets a page load its own style sheet, script and images, send forms to itself, and nothing else."""

    POLICY = "; ".join(
        [
            "default-src 'none'",
            "style-src 'self'",
            "script-src 'self'",
            "img-src 'self'",
            "form-action 'self'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
        ]
    )

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers.setdefault("Content-Security-Policy", self.POLICY)
        return response
