"""A firm with a SAML directory, and how a person goes there and comes back."""

from __future__ import annotations

from billing_portal.audit.models import AuditEvent
from billing_portal.directories import actions
from billing_portal.directories.models import DirectoryIdentity
from billing_portal.tenancy.scope import tenant_scope
from tests.directories.going import PASSWORD
from tests.factories import MembershipFactory, UserFactory, actor


class SamlFirm:
    """A firm whose people sign in by its organization in the SAML directory."""

    def __init__(self, tenant, idp, domain, *, site="http://testserver", host="127.0.0.1"):
        self.tenant, self.idp, self.domain, self.site = tenant, idp, domain, site
        self.key = tenant.slug
        self.sso_url = f"{idp.url.replace('127.0.0.1', host)}/{self.key}/sso"
        idp.open(
            key=self.key,
            name=tenant.name,
            audience=f"{site}{self.path}metadata/",
            acs=f"{site}{self.path}acs/",
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

    def values(self, **more):
        """Return what is proposed."""
        return {
            "protocol": "SAML",
            "issuer": self.idp.entity(self.key),
            "sso_url": self.sso_url,
            "certificates": self.idp.certificates()["ours"],
            "email_attribute": "mail",
            "domains": [self.domain],
        } | more

    def agree(self, **more):
        """Let one owner propose the directory and another approve it."""
        with tenant_scope(self.tenant.pk):
            proposed = actions.propose_directory(
                **self.values(**more), by=actor("owner", number=901)
            )
            agreed = actions.approve_directory(proposed, by=actor("owner", number=902))
        self.tenant.refresh_from_db()
        return agreed

    def member(self, name, *, role="biller", user=None):
        """Add a member whom the directory knows, too."""
        user = user or UserFactory.create(email=f"{name}@{self.domain}", name=name.title())
        MembershipFactory.create(tenant=self.tenant, user=user, role=role)
        self.knows(name, attributes={"mail": user.email})
        return user

    def knows(self, name, **said):
        """Let the directory know a person, or say something else of them."""
        known = {"name_id": f"{self.key}|{name}", "password": PASSWORD} | said
        self.idp.change(self.key, name, **known)

    def lies(self, **said):
        """Lay something over what the directory says from now on."""
        self.idp.set_faults(self.key, said=said)

    def begin(self, client, **form):
        """Press the button; return where the browser is sent."""
        answer = client.post(self.path, form)
        return answer.headers["Refresh"].partition("url=")[2]

    def bring(self, client, name, *, password=PASSWORD, **pressed):
        """Go to the directory and sign in there; return the form that the browser brings back."""
        return self.idp.sign_in(self.begin(client), user=name, password=password, **pressed)

    def hand_in(self, client, form):
        """Post the form as the portal's own page does, with the browser's session."""
        return client.post(f"{self.path}acs/", {**form, "again": "1"})

    def sign_in(self, client, name, **more):
        """Sign in by the directory; return the portal's answer."""
        return self.hand_in(client, self.bring(client, name, **more))

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
