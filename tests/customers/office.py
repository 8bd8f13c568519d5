"""The back office as somebody who signed in sees it, and the addresses that it needs."""

from django.urls import include, path

from billing_portal.portal.office import site
from tests.factories import MembershipFactory, UserFactory
from tests.visiting import signed_in

urlpatterns = [path("admin/", site.urls), path("", include("billing_portal.urls"))]
CUSTOMER = {
    "external_id": "INS-9",
    "name": "Harborline Mutual",
    "currency": "USD",
    "time_zone": "America/Chicago",
    "sends_pdf": "on",
    "payment_terms_days": "45",
    "on": "2026-03-01",
}


class Office:
    """The back office of one firm, seen through a member's browser."""

    def __init__(self, client, firm):
        self.client, self.firm = client, firm

    def enter(self, role):
        """Sign in as somebody who holds a role."""
        user = UserFactory.create()
        MembershipFactory.create(tenant=self.firm, user=user, role=role)
        signed_in(self.client, user)
        return user

    def get(self, rest, form=None):
        """Ask for a page of the room."""
        return self.client.get(f"/t/{self.firm.slug}/admin/customers/{rest}", form)

    def post(self, rest, form, **options):
        """Send a form of the room."""
        return self.client.post(f"/t/{self.firm.slug}/admin/customers/{rest}", form, **options)
