"""Where a firm sees who its people are, and which keys its services have."""

from __future__ import annotations

from django.urls import path

from billing_portal.members.views import keys, people, verdicts

app_name = "people"
urlpatterns = [
    path("people/", people.people, name="people"),
    path("people/invitation/", people.invite, name="invite"),
    path("people/<str:public_id>/", people.person, name="person"),
    path("people/<str:public_id>/roles/", verdicts.propose_role, name="propose_role"),
    path("people/roles/<str:public_id>/approval/", verdicts.approve_role, name="approve_role"),
    path("people/roles/<str:public_id>/decline/", verdicts.decline_role, name="decline_role"),
    path("people/roles/<str:public_id>/withdrawal/", verdicts.withdraw_role, name="withdraw_role"),
    path("people/roles/<str:public_id>/end/", verdicts.end_role, name="end_role"),
    path(
        "people/invitations/<str:public_id>/approval/",
        verdicts.approve_invitation,
        name="approve_invitation",
    ),
    path(
        "people/invitations/<str:public_id>/decline/",
        verdicts.decline_invitation,
        name="decline_invitation",
    ),
    path(
        "people/invitations/<str:public_id>/withdrawal/",
        verdicts.withdraw_invitation,
        name="withdraw_invitation",
    ),
    path("people/invitations/<str:public_id>/mail/", verdicts.send_again, name="send_again"),
    path("people/<str:public_id>/reset/", verdicts.request_reset, name="request_reset"),
    path("people/resets/<str:public_id>/approval/", verdicts.approve_reset, name="approve_reset"),
    path("people/resets/<str:public_id>/decline/", verdicts.decline_reset, name="decline_reset"),
    path("keys/", keys.keys, name="keys"),
    path("keys/request/", keys.request_key, name="request_key"),
    path("keys/<str:public_id>/approval/", keys.approve_key, name="approve_key"),
    path("keys/<str:public_id>/decline/", keys.decline_key, name="decline_key"),
    path("keys/<str:public_id>/revocation/", keys.revoke_key, name="revoke_key"),
    path("keys/<str:public_id>/successor/", keys.request_successor, name="request_successor"),
]
