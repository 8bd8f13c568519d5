"""The scope of a firm: what is refused outside it, and what the database says once more."""

import pytest
from django.db import IntegrityError, ProgrammingError, connection, transaction

from billing_portal.tenancy.models import Tenant, TenantKey
from billing_portal.tenancy.scope import NoTenant, OtherTenant, current_tenant_id, tenant_scope

pytestmark = pytest.mark.django_db


@pytest.fixture
def two_firms():
    return [Tenant.objects.create(slug=slug, name=slug.title()) for slug in ("ours", "theirs")]


@pytest.mark.parametrize(
    "look",
    [
        TenantKey.objects.exists,
        lambda: TenantKey.objects.exclude(number=1).exists(),
        lambda: TenantKey.objects.alias().exists(),
        TenantKey.objects.count,
        lambda: list(TenantKey.objects.all()),
        lambda: TenantKey.objects.create(number=1, wrapped=b""),
        lambda: TenantKey(number=1, wrapped=b""),
        TenantKey._base_manager.all,
        lambda: TenantKey.objects.bulk_create([]),
    ],
)
def test_nothing_of_a_firm_is_reached_outside_a_scope(look):
    with pytest.raises(NoTenant):
        look()


def test_a_scope_shows_its_own_rows_only(two_firms):
    ours, theirs = two_firms
    with tenant_scope(theirs.pk):
        TenantKey.objects.create(number=1, wrapped=b"x")

    with tenant_scope(ours.pk):
        assert not TenantKey.objects.exists()


def test_leaving_a_nested_scope_restores_the_outer_firm_in_code_and_database(two_firms):
    ours, theirs = two_firms
    with tenant_scope(ours.pk):
        with tenant_scope(theirs.pk):
            pass

        assert current_tenant_id() == ours.pk
        assert _database_tenant() == str(ours.pk)


def test_a_failed_nested_scope_restores_the_outer_firm(two_firms):
    ours, theirs = two_firms
    with tenant_scope(ours.pk):
        with pytest.raises(ZeroDivisionError), tenant_scope(theirs.pk):
            _ = 1 / 0

        assert current_tenant_id() == ours.pk
        assert _database_tenant() == str(ours.pk)


def test_create_refuses_another_firm(two_firms):
    ours, theirs = two_firms
    with tenant_scope(ours.pk), pytest.raises(OtherTenant):
        TenantKey.objects.create(tenant=theirs, number=1, wrapped=b"x")


def test_bulk_create_refuses_another_firm_and_writes_nothing(two_firms):
    ours, theirs = two_firms
    with tenant_scope(ours.pk):
        rows = [
            TenantKey(number=1, wrapped=b"x"),
            TenantKey(tenant=theirs, number=1, wrapped=b"x"),
        ]
        with pytest.raises(OtherTenant):
            TenantKey.objects.bulk_create(rows)

        assert not TenantKey.objects.exists()


def test_policy_hides_other_firms_even_without_the_manager(two_firms):
    ours, theirs = two_firms
    with tenant_scope(theirs.pk):
        TenantKey.objects.create(number=1, wrapped=b"x")

    with tenant_scope(ours.pk), connection.cursor() as cursor:
        cursor.execute("select count(*) from tenancy_tenantkey")
        assert cursor.fetchone() == (0,)


def test_policy_hides_everything_when_no_firm_was_ever_set(two_firms):
    with tenant_scope(two_firms[0].pk):
        TenantKey.objects.create(number=1, wrapped=b"x")

    with connection.cursor() as cursor:
        cursor.execute("select count(*) from tenancy_tenantkey")
        assert cursor.fetchone() == (0,)


def test_policy_refuses_a_row_of_another_firm(two_firms):
    ours, theirs = two_firms
    insert = "insert into tenancy_tenantkey (tenant_id, number, wrapped) values (%s, 1, '')"
    refused = pytest.raises(ProgrammingError, match="row-level security")
    with tenant_scope(ours.pk), refused, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(insert, [theirs.pk])


def test_names_that_are_unique_in_one_firm_may_repeat_in_another(two_firms):
    for firm in two_firms:
        with tenant_scope(firm.pk):
            TenantKey.objects.create(number=1, wrapped=b"x")

    refused = pytest.raises(IntegrityError, match="key_number")
    with tenant_scope(two_firms[0].pk), refused, transaction.atomic():
        TenantKey.objects.create(number=1, wrapped=b"x")


def _database_tenant():
    with connection.cursor() as cursor:
        cursor.execute("select current_setting('app.tenant', true)")
        return cursor.fetchone()[0]
