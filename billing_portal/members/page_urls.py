"""Where a firm sees who its people are, and which keys its services have."""

from __future__ import annotations

from django.urls import path

from billing_portal.members.views import keys, people, verdicts

app_name = "people"
urlpatterns = [
    path("people/", people.people, name="people"),
    path("people/invitation/", people.invite, name="invite"),
    path("people/<int:pk>/", people.person, name="person"),
    path("people/<int:pk>/roles/", verdicts.propose_role, name="propose_role"),
    path("people/roles/<int:pk>/approval/", verdicts.approve_role, name="approve_role"),
    path("people/roles/<int:pk>/decline/", verdicts.decline_role, name="decline_role"),
    path("people/roles/<int:pk>/withdrawal/", verdicts.withdraw_role, name="withdraw_role"),
    path("people/roles/<int:pk>/end/", verdicts.end_role, name="end_role"),
    path(
        "people/invitations/<int:pk>/approval/",
        verdicts.approve_invitation,
        name="approve_invitation",
    ),
    path(
        "people/invitations/<int:pk>/decline/",
        verdicts.decline_invitation,
        name="decline_invitation",
    ),
    path(
        "people/invitations/<int:pk>/withdrawal/",
        verdicts.withdraw_invitation,
        name="withdraw_invitation",
    ),
    path("people/invitations/<int:pk>/mail/", verdicts.send_again, name="send_again"),
    path("people/<int:pk>/reset/", verdicts.request_reset, name="request_reset"),
    path("people/resets/<int:pk>/approval/", verdicts.approve_reset, name="approve_reset"),
    path("people/resets/<int:pk>/decline/", verdicts.decline_reset, name="decline_reset"),
    path("keys/", keys.keys, name="keys"),
    path("keys/request/", keys.request_key, name="request_key"),
    path("keys/<int:pk>/approval/", keys.approve_key, name="approve_key"),
    path("keys/<int:pk>/decline/", keys.decline_key, name="decline_key"),
    path("keys/<int:pk>/revocation/", keys.revoke_key, name="revoke_key"),
    path("keys/<int:pk>/successor/", keys.request_successor, name="request_successor"),
]
