"""Whatever staff write leaves a trace that nobody can change, and that names no customer."""

import json
import uuid
from io import StringIO

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from accounts.tests.factories import PASSWORD, StaffFactory, UserFactory
from catalog.models import Category
from catalog.tests.factories import CategoryFactory, VariantFactory
from inventory.models import StockLevel
from inventory.tests.factories import StockLevelFactory
from orders.tests.trade import buyer, place
from shipping.tests.factories import ZoneFactory
from shop_backend.kernel import audit
from shop_backend.kernel.admin import ShopModelAdmin
from shop_backend.kernel.models import AuditEntry
from tests.client import ShopClient
from tests.faces import payload_of

pytestmark = [pytest.mark.django_db, pytest.mark.portable]


def signed_in(user):
    client = ShopClient(REMOTE_ADDR="203.0.113.77")
    body = {"username": user.username, "password": PASSWORD}
    access = payload_of(client.post("/api/accounts/login/", body))["access"]
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {access}")
    return client


def entries():
    return list(AuditEntry.objects.order_by("pk"))


def test_a_write_by_the_api_is_an_attempt_and_an_outcome_with_before_and_after():
    admin, ann = StaffFactory(role="admin"), UserFactory(first_name="Ann", last_name="Smith")

    response = signed_in(admin).patch(
        f"/api/accounts/users/{ann.pk}/",
        {"first_name": "Anna", "is_active": False},
        headers={"X-Request-ID": "desk-7"},
    )

    attempt, outcome = entries()
    assert response.status_code == 200
    assert (attempt.phase, outcome.phase) == ("attempt", "outcome")
    assert attempt.write == outcome.write
    assert attempt.status is None
    assert (outcome.actor, outcome.roles, outcome.status) == (admin, "admin", 200)
    assert (outcome.request_id, outcome.network) == ("desk-7", "203.0.113.0/24")
    assert outcome.action == "PATCH accounts/users/<int:pk>/"
    assert (outcome.object_kind, outcome.object_id) == ("accounts.user", str(ann.pk))
    assert outcome.changes == {
        "first_name": ["[withheld]", "[withheld]"],
        "is_active": [True, False],
        "sign_in_epoch": [0, 1],
    }


def test_what_is_made_and_what_is_deleted_shows_as_such():
    client = signed_in(StaffFactory(role="manager"))

    made = payload_of(client.post("/api/catalog/categories/", {"name": "Tea"}))
    client.delete(f"/api/catalog/categories/{made['id']}/")

    made_entry, deleted_entry = (entry for entry in entries() if entry.phase == "outcome")
    assert made_entry.status == 201
    assert made_entry.changes["name"] == [None, "Tea"]
    assert made_entry.object_id == deleted_entry.object_id == str(made["id"])
    assert deleted_entry.changes["name"] == ["Tea", None]


def test_a_refused_write_is_recorded_and_changes_nothing():
    client = signed_in(StaffFactory(role="manager"))

    client.patch("/api/catalog/categories/999999/", {"name": "X"})

    attempt, outcome = entries()
    assert (attempt.object_id, outcome.status, outcome.changes) == ("999999", 404, {})


def test_who_holds_a_role_is_recorded_though_the_admin_site_is_closed_to_them():
    manager = StaffFactory(role="manager", is_staff=False)
    category = CategoryFactory(name="Tea")

    signed_in(manager).patch(f"/api/catalog/categories/{category.pk}/", {"name": "Coffee"})

    attempt, outcome = entries()
    assert (attempt.actor, attempt.roles, attempt.phase) == (manager, "manager", "attempt")
    assert outcome.changes["name"] == ["Tea", "Coffee"]


def test_who_holds_a_single_right_is_recorded():
    clerk = UserFactory()
    clerk.user_permissions.add(Permission.objects.get(codename="change_category"))
    category = CategoryFactory(name="Tea")

    signed_in(clerk).patch(f"/api/catalog/categories/{category.pk}/", {"name": "Coffee"})

    assert entries()[-1].changes["name"] == ["Tea", "Coffee"]


def test_a_customers_write_costs_no_query_for_rights():
    client = signed_in(UserFactory())

    with CaptureQueriesContext(connection) as queries:
        client.patch("/api/accounts/user/", {"first_name": "Bob"})

    assert [query for query in queries if "auth_permission" in query["sql"]] == []
    assert any("accounts_user" in query["sql"] for query in queries)


def test_a_replayed_answer_made_nothing():
    client = signed_in(StaffFactory(role="manager"))
    body, headers = {"name": "Tea"}, {"Idempotency-Key": "one"}

    for _ in range(2):
        client.post("/api/catalog/categories/", body, headers=headers)

    first, again = (entry for entry in entries() if entry.phase == "outcome")
    assert first.changes["name"] == [None, "Tea"]
    assert (again.status, again.changes) == (201, {})


def test_customers_and_readers_leave_no_trace():
    customer, manager = UserFactory(), StaffFactory(role="manager")

    signed_in(customer).patch("/api/accounts/user/", {"first_name": "Bob"})
    signed_in(manager).get("/api/accounts/users/")

    assert entries() == []


@pytest.mark.skipif(connection.vendor == "mysql", reason="its DDL ends the test's transaction")
def test_without_its_attempt_nothing_is_written():
    category = CategoryFactory(name="Tea")
    client = signed_in(StaffFactory(role="manager"))

    def write_without_a_log():
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("ALTER TABLE kernel_auditentry RENAME TO mislaid")
            client.patch(f"/api/catalog/categories/{category.pk}/", {"name": "Coffee"})

    with pytest.raises(DatabaseError):
        write_without_a_log()

    category.refresh_from_db()
    assert category.name == "Tea"


def browser_of(user):
    browser = Client(REMOTE_ADDR="2001:db8:1:2::3")
    browser.force_login(user)
    return browser


def test_a_form_of_the_admin_site_is_recorded_with_roles_before_and_after():
    root = UserFactory(is_staff=True, is_superuser=True)
    person = StaffFactory(role="support")
    groups = {group.name: group.pk for group in person.groups.model.objects.all()}
    form = {"username": person.username, "is_active": "on", "is_staff": "on"}
    form |= {"first_name": "Ann", "last_name": "", "groups": [groups["warehouse"]]}

    browser_of(root).post(f"/admin/accounts/user/{person.pk}/change/", form)

    outcome = entries()[-1]
    assert outcome.action == "admin accounts_user_change"
    assert outcome.network == "2001:db8:1::/48"
    assert outcome.roles == "superuser"
    assert outcome.changes == {
        "first_name": ["", "[withheld]"],
        "groups": [[groups["support"]], [groups["warehouse"]]],
    }


def test_an_action_of_the_admin_site_is_recorded_for_each_row_that_it_changed():
    root = UserFactory(is_staff=True, is_superuser=True)
    people = [UserFactory(), UserFactory(is_active=False)]
    body = {"action": "deactivate", "_selected_action": [person.pk for person in people]}

    browser_of(root).post("/admin/accounts/user/", body)

    attempt, *outcomes = entries()
    assert attempt.action == "admin accounts_user_changelist deactivate"
    assert [(row.object_id, row.changes) for row in outcomes] == [
        (str(people[0].pk), {"is_active": [True, False], "sign_in_epoch": [0, 1]}),
        (str(people[1].pk), {"sign_in_epoch": [0, 1]}),
    ]


def test_an_action_on_all_that_a_list_holds_is_recorded_for_each_of_them():
    root = UserFactory(is_staff=True, is_superuser=True)
    people = UserFactory.create_batch(130)
    body = {"action": "deactivate", "select_across": 1, "_selected_action": [people[0].pk]}

    browser_of(root).post("/admin/accounts/user/?is_superuser__exact=0", body)

    assert not User.objects.filter(is_superuser=False, is_active=True).exists()
    outcomes = [entry for entry in entries() if entry.phase == "outcome"]
    assert {entry.object_id for entry in outcomes} == {str(person.pk) for person in people}
    assert all(entry.changes["is_active"] == [True, False] for entry in outcomes)


def test_what_only_shows_rows_names_none_of_them():
    root = UserFactory(is_staff=True, is_superuser=True)
    orders = [place(buyer(), (VariantFactory(stock=3), 1)) for _ in range(2)]
    browser = browser_of(root)

    for action in ("as_csv", "cancel"):
        body = {"action": action, "_selected_action": [order.pk for order in orders]}
        answer = browser.post("/admin/orders/order/", body)
        assert answer.status_code == 200

    outcomes = [entry for entry in entries() if entry.phase == "outcome"]
    assert [(entry.object_id, entry.changes) for entry in outcomes] == [("", {}), ("", {})]


def test_what_was_not_made_is_not_said_to_have_gone():
    root = UserFactory(is_staff=True, is_superuser=True)

    answer = browser_of(root).post("/admin/accounts/session/add/", {"user": root.pk})

    assert answer.status_code == 403
    attempt, outcome = entries()
    assert (outcome.object_id, outcome.changes) == ("", {})


def test_of_more_rows_than_are_compared_the_keys_are_named(monkeypatch):
    monkeypatch.setattr(audit, "MOST_ROWS", 3)
    root = UserFactory(is_staff=True, is_superuser=True)
    people = sorted(person.pk for person in UserFactory.create_batch(8))
    body = {"action": "deactivate", "select_across": 1, "_selected_action": [people[0]]}

    browser_of(root).post("/admin/accounts/user/?is_superuser__exact=0", body)

    outcomes = [entry for entry in entries() if entry.phase == "outcome"]
    assert [(entry.object_id, entry.changes.get("not_compared")) for entry in outcomes] == [
        *((str(pk), None) for pk in people[:3]),
        ("", [None, people[3:6]]),
        ("", [None, people[6:]]),
    ]


def test_what_else_is_posted_hides_no_change_of_a_form():
    root, person = UserFactory(is_staff=True, is_superuser=True), UserFactory(first_name="Ann")
    form = {"username": person.username, "is_active": "on", "first_name": "Anna"}

    browser_of(root).post(
        f"/admin/accounts/user/{person.pk}/change/", {**form, "action": "activate"}
    )

    outcome = entries()[-1]
    assert outcome.action == "admin accounts_user_change"
    assert (outcome.object_id, list(outcome.changes)) == (str(person.pk), ["first_name"])


def test_an_action_is_named_as_the_browser_meant_it():
    root, person = UserFactory(is_staff=True, is_superuser=True), UserFactory()
    body = {"action": ["deactivate", "activate"], "index": 0, "_selected_action": [person.pk]}

    browser_of(root).post("/admin/accounts/user/", body)

    person.refresh_from_db()
    assert not person.is_active
    assert entries()[0].action == "admin accounts_user_changelist deactivate activate"


def test_every_list_of_the_admin_site_tells_what_its_actions_get():
    lists = admin.site._registry.values()

    assert [each for each in lists if not isinstance(each, ShopModelAdmin)] == []


def test_a_password_set_in_the_admin_is_recorded_without_it():
    root, person = UserFactory(is_staff=True, is_superuser=True), UserFactory()
    body = {"usable_password": "true", "password1": "a new horse battery"}
    body["password2"] = body["password1"]

    browser_of(root).post(f"/admin/accounts/user/{person.pk}/password/", body)

    assert entries()[-1].changes["password"] == ["[withheld]", "[withheld]"]
    everything = json.dumps([entry.changes for entry in entries()])
    assert "horse" not in everything
    assert User.objects.get(pk=person.pk).password not in everything


def test_the_log_holds_no_names_emails_or_addresses():
    admin = StaffFactory(role="admin")
    ann = UserFactory(first_name="Xanthippe", last_name="Quux", email="xanthippe@example.com")
    client = signed_in(admin)

    client.patch(f"/api/accounts/users/{ann.pk}/", {"first_name": "Zenobia"})
    client.delete(f"/api/accounts/users/{ann.pk}/")

    rows = json.dumps(list(AuditEntry.objects.values()), default=str).lower()
    for word in ("xanthippe", "quux", "zenobia", ann.username.lower()):
        assert word not in rows


# --- Reading it


@pytest.mark.parametrize("role", ["support", "warehouse", "manager"])
def test_only_administrators_read_it(role):
    assert signed_in(StaffFactory(role=role)).get("/api/accounts/audit/").status_code == 403


def make_entries(actor, number=1, **values):
    defaults = {"phase": "outcome", "actor": actor, "roles": "admin", "request_id": "r"}
    defaults |= {"action": "PATCH catalog/products/", "object_kind": "catalog.product"}
    return AuditEntry.objects.bulk_create(
        AuditEntry(write=uuid.uuid4(), **{**defaults, **values}) for _ in range(number)
    )


@pytest.mark.parametrize("number", [1, 10])
def test_reading_it_costs_the_same_with_one_row_and_with_ten(number, django_assert_num_queries):
    admin = StaffFactory(role="admin")
    client = signed_in(admin)
    make_entries(admin, number)

    with django_assert_num_queries(4):  # session, permissions, count, rows
        client.get("/api/accounts/audit/")


def test_it_is_narrowed_and_walked_by_cursor():
    admin, other = StaffFactory(role="admin"), StaffFactory()
    make_entries(admin, 3)
    [wanted] = make_entries(other, object_id="7", action="DELETE catalog/products/<str:id>/")
    client = signed_in(admin)

    def ids(query):
        page = payload_of(client.get(f"/api/accounts/audit/?{query}"))
        return [row["id"] for row in page["results"]]

    for query in [
        f"actor={other.pk}",
        "object_kind=catalog.product&object_id=7",
        "action=delete",
        f"since={wanted.at.isoformat().replace('+', '%2B')}",
    ]:
        assert ids(query) == [wanted.pk]
    assert ids("phase=attempt") == []
    first = payload_of(client.get("/api/accounts/audit/?cursor=&page_size=3"))
    second = payload_of(client.get(first["next"]))
    assert len(first["results"]) + len(second["results"]) == 4


def test_the_admin_site_shows_it_and_changes_nothing():
    admin = StaffFactory(role="admin")
    [entry] = make_entries(admin)
    browser = browser_of(admin)
    path = f"/admin/kernel/auditentry/{entry.pk}"

    assert browser.get("/admin/kernel/auditentry/").status_code == 200
    assert browser.get(f"{path}/change/").status_code == 200
    assert browser.post(f"{path}/change/", {"roles": "x"}).status_code == 403
    assert browser.post(f"{path}/delete/", {"post": "yes"}).status_code == 403


def test_a_category_of_the_catalogue_keeps_its_words():
    category = CategoryFactory(name="Tea")

    signed_in(StaffFactory(role="manager")).patch(
        f"/api/catalog/categories/{category.pk}/", {"name": "Coffee"}
    )

    assert entries()[-1].changes["name"] == ["Tea", "Coffee"]
    assert Category.objects.get().name == "Coffee"


# --- Rows within another's form, and commands


def areas_form(*rows, known=0):
    form = {
        "areas-TOTAL_FORMS": len(rows),
        "areas-INITIAL_FORMS": known,
        "areas-MIN_NUM_FORMS": 0,
        "areas-MAX_NUM_FORMS": 1000,
    }
    for number, row in enumerate(rows):
        form |= {f"areas-{number}-{name}": value for name, value in row.items()}
    return form


def test_rows_within_a_form_show_with_before_and_after_too():
    zone = ZoneFactory(name="Isles", areas=["GB", "IE"])
    changed, gone = zone.areas.order_by("pk")
    rows = [
        {"id": changed.pk, "zone": zone.pk, "country": "FR", "region": ""},
        {"id": gone.pk, "zone": zone.pk, "country": "IE", "region": "", "DELETE": "on"},
        {"zone": zone.pk, "country": "NO", "region": ""},
    ]

    browser = browser_of(StaffFactory(role="manager"))
    path = f"/admin/shipping/zone/{zone.pk}/change/"
    answer = browser.post(path, {"name": "Isles", **areas_form(*rows, known=2)})

    assert answer.status_code == 302
    made = zone.areas.get(country="NO")
    outcomes = {entry.object_id: entry for entry in entries() if entry.phase == "outcome"}
    assert {entry.object_kind for entry in outcomes.values()} == {"shipping.zonearea"}
    assert outcomes[str(changed.pk)].changes == {"country": ["GB", "FR"]}
    assert outcomes[str(gone.pk)].changes["country"] == ["IE", None]
    assert outcomes[str(made.pk)].changes["country"] == [None, "NO"]
    assert len(outcomes) == 3


def test_what_a_form_makes_shows_with_the_rows_within_it():
    browser = browser_of(StaffFactory(role="manager"))

    browser.post(
        "/admin/shipping/zone/add/",
        {"name": "Isles", **areas_form({"country": "GB", "region": ""})},
    )

    kinds = {entry.object_kind: entry for entry in entries() if entry.phase == "outcome"}
    assert kinds["shipping.zone"].changes["name"] == [None, "Isles"]
    assert kinds["shipping.zonearea"].changes["country"] == [None, "GB"]


def run(command, *arguments):
    call_command(command, *arguments, stdout=StringIO(), stderr=StringIO())
    return entries()


def test_a_command_that_writes_is_an_entry_of_nobodys(tmp_path):
    file = tmp_path / "catalogue.csv"
    file.write_text("sku,name,price\nLAMP,Lamp,19.99\n")

    attempt, outcome = run("import_catalogue", file)

    assert {entry.action for entry in (attempt, outcome)} == {"command import_catalogue"}
    assert (attempt.actor, attempt.roles, attempt.write) == (None, "system", outcome.write)
    assert outcome.changes["created"] == [None, 1]
    admin = StaffFactory(role="admin")
    rows = payload_of(signed_in(admin).get("/api/accounts/audit/"))["results"]
    assert [(row["actor"], row["actor_name"]) for row in rows] == [(None, None)] * 2
    assert browser_of(admin).get("/admin/kernel/auditentry/").status_code == 200


def test_a_repair_is_an_entry_that_says_what_was_and_is():
    level = StockLevelFactory(on_hand=9)
    StockLevel.objects.filter(pk=level.pk).update(on_hand=8)

    _, by_books = run("reconcile_stock", "--repair")
    StockLevel.objects.filter(pk=level.pk).update(on_hand=7)
    *_, by_invariants = run("check_invariants", "--repair")

    [[line], [further, *_]] = (entry.changes["mended"][1] for entry in (by_books, by_invariants))
    assert "on hand 8" in line
    assert "7 -> 9" in further


def test_reconciling_payments_is_an_entry():
    assert run("reconcile_payments")[-1].changes == {"applied": [None, 0], "changed": [None, 0]}


@pytest.mark.parametrize(
    ("command", "arguments"),
    [("check_invariants", []), ("reconcile_stock", []), ("reconcile_payments", ["--dry-run"])],
)
def test_a_command_that_only_looks_leaves_no_trace(command, arguments):
    assert run(command, *arguments) == []


def test_a_command_that_breaks_off_is_an_attempt_without_an_outcome(tmp_path):
    file = tmp_path / "catalogue.csv"
    file.write_text("no,columns\n")

    with pytest.raises(CommandError):
        run("import_catalogue", file)

    assert [entry.phase for entry in entries()] == ["attempt"]
