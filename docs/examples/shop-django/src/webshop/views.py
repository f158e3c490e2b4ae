"""Two views for the shop's staff, in JSON."""

from __future__ import annotations

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, JsonResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_http_methods

from webshop import domains as service
from webshop.models import ShopDomain

STATUSES = {ShopDomain.State.LIVE: 201, ShopDomain.State.ADDING: 202, ShopDomain.State.REFUSED: 422}
may_change = permission_required("webshop.change_shopdomain", raise_exception=True)


@require_http_methods(["GET", "POST"])
@may_change
def domains(request: HttpRequest) -> JsonResponse:
    """List the domains, or add one: 201 it is live, 202 it will be, 422 it cannot be."""
    if request.method == "GET":
        return JsonResponse({"domains": [_shown(each) for each in ShopDomain.objects.order_by("origin")]})
    try:
        domain = service.add(request.POST.get("origin", ""))
    except ValueError as error:
        return JsonResponse({"error": str(error)}, status=422)
    return JsonResponse(_shown(domain), status=STATUSES[ShopDomain.State(domain.state)])


@require_http_methods(["DELETE"])
@may_change
def domain(request: HttpRequest, pk: int) -> JsonResponse:
    """Remove a domain: 200 it is gone, 202 it will be."""
    found = get_object_or_404(ShopDomain, pk=pk)
    service.remove(found)
    is_left = ShopDomain.objects.filter(origin=found.origin).exists()
    return JsonResponse({}, status=202 if is_left else 200)


def _shown(domain: ShopDomain) -> dict[str, object]:
    return {"id": domain.pk, "origin": domain.origin, "state": domain.state}
