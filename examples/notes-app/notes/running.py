"""Which process answers: pod and commit."""

from django.conf import settings
from django.http import HttpRequest


def context(request: HttpRequest) -> dict[str, str]:
    """Gives every template the pod's name and the commit it runs."""
    return {"pod": settings.POD_NAME, "commit": settings.COMMIT[:12]}
