"""Monitoring's door: closed unless a token or a network is named in the environment."""

from __future__ import annotations

import hmac
import ipaddress
from datetime import UTC, datetime

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from billing_portal.api import tallies
from billing_portal.members.keys import peer_of
from billing_portal.operation.figures import HouseFigures


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Answer with the figures of the installation, as Prometheus reads them."""
    if not (settings.METRICS_TOKEN or settings.METRICS_NETWORKS):
        raise Http404
    if not (_has_token(request) or _is_near(request)):
        raise PermissionDenied
    tallies.flush()
    registry = CollectorRegistry(auto_describe=False)
    registry.register(HouseFigures(now=datetime.now(UTC)))
    encode, content_type = choose_encoder(request.headers.get("Accept", ""))
    return HttpResponse(encode(registry), content_type=content_type)


def _has_token(request: HttpRequest) -> bool:
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    wanted = settings.METRICS_TOKEN
    is_same = hmac.compare_digest(token.strip().encode(), wanted.encode())
    return bool(wanted) and kind.lower() == "bearer" and is_same


def _is_near(request: HttpRequest) -> bool:
    try:
        address = ipaddress.ip_address(peer_of(request))
    except ValueError:
        return False  # a Unix socket has no address
    return any(address in ipaddress.ip_network(each) for each in settings.METRICS_NETWORKS)
