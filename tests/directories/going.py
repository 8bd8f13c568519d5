"""A firm with a directory, and how a person goes there and comes back."""

from __future__ import annotations

from urllib.parse import urlsplit

from billing_portal.audit.models import AuditEvent
from billing_portal.directories import actions
from billing_portal.directories.models import DirectoryIdentity
from billing_portal.tenancy.scope import tenant_scope
from tests.factories import MembershipFactory, UserFactory, actor

SECRET = "Cormorant-Slipway-71"
PASSWORD = "Tidal-Mooring-18"
PORTAL_PASSWORD = "correct horse battery staple"


class Firm:
    """A firm whose people sign in by its organization in the directory."""

    def __init__(self, tenant, idp, domain, *, site="http://testserver"):
        self.tenant, self.idp, self.domain = tenant, idp, domain
        self.key = tenant.slug
        idp.open(
            key=self.key,
            name=tenant.name,
            client_id=f"portal-of-{self.key}",
            client_secret=SECRET,
            redirect_uris=[f"{site}{self.path}callback/"],
            people=[],
        )
        self.directory = self.agree()

    @property
    def path(self):
        """Where sign-in by its directory begins."""
        return f"/accounts/sso/{self.tenant.slug}/"

    @property
    def inbox(self):
        """Its first page."""
        return f"/t/{self.tenant.slug}/inbox/"

    def agree(self, **more):
        """Let one owner propose the directory and another approve it."""
        values = {
            "issuer": self.idp.issuer(self.key),
            "client_id": f"portal-of-{self.key}",
            "client_secret": SECRET,
            "domains": [self.domain],
        }
        with tenant_scope(self.tenant.pk):
            proposed = actions.propose_directory(**(values | more), by=actor("owner", number=901))
            agreed = actions.approve_directory(proposed, by=actor("owner", number=902))
        self.tenant.refresh_from_db()
        return agreed

    def member(self, name, *, role="biller", user=None):
        """Add a member whom the directory knows, too."""
        user = user or UserFactory.create(email=f"{name}@{self.domain}", name=name.title())
        MembershipFactory.create(tenant=self.tenant, user=user, role=role)
        self.knows(name, email=user.email)
        return user

    def knows(self, name, **said):
        """Let the directory know a person, or say something else of them."""
        known = {"sub": f"{self.key}|{name}", "password": PASSWORD} | said
        self.idp.change(self.key, name, **known)

    def begin(self, client, **form):
        """Press the button; return where the browser is sent."""
        answer = client.post(self.path, form)
        return answer.headers["Refresh"].partition("url=")[2]

    def bring(self, client, name, *, password=PASSWORD, **pressed):
        """Go to the directory and sign in there; return what the browser brings back."""
        back = self.idp.sign_in(self.begin(client), user=name, password=password, **pressed)
        parts = urlsplit(back)
        return f"{parts.path}?{parts.query}"

    def sign_in(self, client, name, **more):
        """Sign in by the directory; return the portal's answer."""
        return client.get(self.bring(client, name, **more))

    def said(self):
        """Return what the firm's trail says of sign-ins and directories, oldest first."""
        with tenant_scope(self.tenant.pk):
            rows = AuditEvent.objects.order_by("pk")
            return [(row.action, row.details.get("reason")) for row in rows]

    def bound(self):
        """Return who is bound to which subject."""
        with tenant_scope(self.tenant.pk):
            rows = DirectoryIdentity.objects.order_by("pk").filter(released_by="")
            return [(row.subject, row.user_id) for row in rows]


def give_password(user):
    """Let somebody have a password at the portal, too."""
    user.set_password(PORTAL_PASSWORD)
    user.save()
    return user


def by_password(client, user):
    """Sign in at the portal's own door."""
    return client.post("/accounts/login/", {"login": user.email, "password": PORTAL_PASSWORD})


SET_UP = [("directory.proposed", None), ("directory.approved", None)]
