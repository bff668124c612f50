"""What customers are told about their orders, and what of it stands in the outbox."""

import json
from datetime import timedelta
from smtplib import SMTPServerDisconnected

import pytest
from django.core import mail
from django.urls import reverse
from django.utils import timezone
from django.utils.dateformat import format as date_format

from accounts.tests.factories import StaffFactory, UserFactory
from cart.tests.factories import TaxRateFactory
from catalog.models import TaxClass
from catalog.tests.factories import VariantFactory
from orders import mails, services
from orders.models import Order
from orders.tests.trade import buyer, client_of, manager, pay, place, place_and_pay, set_status
from payments.models import Payment
from shipping.models import Shipment
from shop_backend.kernel import letters, outbox
from shop_backend.kernel.models import OutboxMessage
from tests.client import ShopClient

pytestmark = [pytest.mark.django_db, pytest.mark.portable]


def read(message):
    """Return subject, text and page of a mail."""
    [(page, kind)] = message.alternatives
    assert kind == "text/html"
    return message.subject, message.body, page


def only_mail():
    [message] = mail.outbox
    return message


def rows():
    return OutboxMessage.objects.filter(kind="orders.send_mail")


def refund(order, **body):
    payment = Payment.objects.get(reference=order.number)
    response = client_of(manager()).post(f"/api/payments/{payment.pk}/refunds/", body)
    assert response.status_code == 201, response.json()


def test_a_placed_order_is_confirmed_with_its_lines_and_amounts():
    variant = VariantFactory(stock=5, price_minor=1250, product__name="Blue mug")

    order = place(buyer(), (variant, 2))

    subject, text, page = read(only_mail())
    assert subject == f"Your order {order.number} at Demo Shop"
    assert only_mail().to == [order.email]
    assert only_mail().from_email == "shop@example.com"
    for form in (text, page):
        assert order.number in form
        assert "Blue mug" in form
        assert "12.50 GBP each" in form
        assert "25.00 GBP" in form
        assert order.postal_code in form
        assert f"http://localhost:3000/orders/{order.number}" in form
        assert "once it is paid" in form


def test_a_paid_order_is_told():
    order = place(buyer(), (VariantFactory(stock=5, price_minor=1250), 2))
    mail.outbox.clear()

    pay(order)

    subject, text, page = read(only_mail())
    assert subject == f"Your order {order.number} at Demo Shop is paid"
    assert "received 25.00 GBP" in text
    assert "<strong>25.00 GBP</strong>" in page


def test_a_declined_card_is_no_news():
    order = place(buyer(), (VariantFactory(stock=5), 1))
    mail.outbox.clear()

    pay(order, "pm_card_chargeDeclined")

    assert mail.outbox == []


def test_each_parcel_is_told_with_what_is_in_it_and_how_to_follow_it():
    mug = VariantFactory(stock=5, product__name="Blue mug")
    bowl = VariantFactory(stock=5, product__name="Red bowl")
    order = place_and_pay(buyer(), (mug, 1), (bowl, 1))
    body = {
        "order": order.number,
        "lines": [{"sku": mug.sku, "quantity": 1}],
        "carrier": "Royal Mail",
    }
    packed = client_of(manager()).post("/api/shipping/shipments/", body, format="json")
    assert packed.status_code == 201, packed.json()
    shipment = Shipment.objects.get()
    mail.outbox.clear()

    client_of(manager()).patch(
        f"/api/shipping/shipments/{shipment.pk}/", {"status": "shipped"}, format="json"
    )

    subject, text, page = read(only_mail())
    assert subject == f"Your order {order.number} from Demo Shop is on its way"
    for form in (text, page):
        assert f"http://localhost:3000/track/{shipment.tracking_number}" in form
        assert "Royal Mail" in form
        assert "Blue mug" in form
        assert "Red bowl" not in form


def test_each_refund_is_told_with_its_amount():
    order = place_and_pay(buyer(), (VariantFactory(stock=5, price_minor=1250), 2))
    mail.outbox.clear()

    refund(order, amount="7.30")

    subject, text, page = read(only_mail())
    assert subject == f"A refund for your order {order.number} at Demo Shop"
    assert "sent back 7.30 GBP" in text
    assert "<strong>7.30 GBP</strong>" in page


@pytest.mark.parametrize("by", ["customer", "shop"])
@pytest.mark.parametrize(
    ("is_paid", "money"), [(False, "nothing to pay for it"), (True, "What was paid goes back")]
)
def test_a_cancelled_order_is_told_whoever_cancelled_it(by, is_paid, money):
    order = place(buyer(), (VariantFactory(stock=5, product__name="Blue mug"), 1))
    if is_paid:
        pay(order)
    mail.outbox.clear()

    person = order.customer if by == "customer" else manager()
    assert client_of(person).post(f"/api/orders/{order.number}/cancel/").status_code == 200

    [told] = [each for each in mail.outbox if "cancelled" in each.subject]
    subject, text, page = read(told)
    assert subject == f"Your order {order.number} at Demo Shop was cancelled"
    for form in (text, page):
        assert money in form
        assert "Blue mug" in form
        assert f"http://localhost:3000/orders/{order.number}" in form
    assert len(mail.outbox) == (2 if is_paid else 1)  # the refund's own


def test_an_order_that_was_not_paid_in_time_is_told(django_capture_on_commit_callbacks):
    order = place(buyer(), (VariantFactory(stock=5), 1))
    mail.outbox.clear()

    with django_capture_on_commit_callbacks(execute=True):
        services.expire_overdue_orders(now=order.expires_at + timedelta(seconds=1), limit=1)

    subject, text, page = read(only_mail())
    assert subject == f"Your order {order.number} at Demo Shop was not paid in time"
    for form in (text, page):
        assert "no longer held" in form
        assert "nothing to pay" in form


def test_an_order_removed_by_its_customer_is_no_news():
    order = place(buyer(), (VariantFactory(stock=5), 1))
    mail.outbox.clear()

    assert client_of(order.customer).delete(f"/api/orders/{order.number}/").status_code == 200

    assert mail.outbox == []


def test_an_unpaid_order_says_until_when_its_goods_are_held():
    order = place(buyer(), (VariantFactory(stock=5), 1))

    until = f"held for you until {date_format(order.expires_at, 'j F Y, H:i T')}"
    _, text, page = read(only_mail())
    assert until in text
    assert until in page


def test_the_rows_hold_ids_and_amounts_alone():
    order = place_and_pay(buyer(), (VariantFactory(stock=5), 1))
    refund(order, amount="1.00")
    for step in ("processing", "shipped"):
        set_status(order, step)

    payloads = list(rows().order_by("pk").values_list("payload", flat=True))

    assert payloads == [
        {"purpose": "placed", "order_id": order.pk},
        {"purpose": "paid", "order_id": order.pk},
        {"purpose": "refunded", "order_id": order.pk, "amount_minor": 100},
        {"purpose": "shipped", "order_id": order.pk, "shipment_id": Shipment.objects.get().pk},
    ]
    text = json.dumps(payloads)
    assert not any(name in text for name in (order.email, order.full_name, order.number))


def test_who_has_no_email_gets_no_mail():
    user = buyer()
    user.email = user.email_verified_at = None
    user.save()

    order = place(user, (VariantFactory(stock=5), 1))
    pay(order)

    assert mail.outbox == []
    assert not rows().exists()


def test_a_refused_order_is_no_news():
    place_nothing = client_of(buyer()).post("/api/orders/", {"items": [{"variant_id": 1}]})
    assert place_nothing.status_code >= 400

    assert not rows().exists()


@pytest.mark.parametrize("change", [{"hidden_at": timezone.now()}, {"email": ""}])
def test_a_mail_is_not_sent_when_its_order_is_out_of_sight(change):
    order = place(buyer(), (VariantFactory(stock=5), 1))
    mail.outbox.clear()
    Order.objects.filter(pk=order.pk).update(**change)

    mails.deliver(rows().get().payload)
    mails.deliver({"purpose": "placed", "order_id": order.pk + 1})

    assert mail.outbox == []


def test_a_mail_server_that_is_away_fails_no_order(monkeypatch):
    def refuse(message, **options):
        raise SMTPServerDisconnected("ann@example.com: away")

    with monkeypatch.context() as patch:
        patch.setattr(mail.EmailMultiAlternatives, "send", refuse)
        order = place_and_pay(buyer(), (VariantFactory(stock=5), 1))

    failed = rows().order_by("pk").first()
    assert failed.last_error == "LetterNotSent: SMTPServerDisconnected"
    outbox.send_again([failed.pk])
    outbox.deliver_due(now=timezone.now())
    assert only_mail().subject == f"Your order {order.number} at Demo Shop"


def test_names_are_text_and_never_tags_or_headers():
    variant = VariantFactory(stock=5, product__name="<b>Bold</b> & <script>x</script>")

    order = place(buyer(), (variant, 1))

    _, text, page = read(only_mail())
    assert "<b>Bold</b> & <script>x</script>" in text
    assert "<script>" not in page
    assert "&lt;b&gt;Bold&lt;/b&gt; &amp;" in page
    assert order.number in page


@pytest.mark.parametrize(
    ("text", "subject"),
    [
        ("A\r\nBcc: all@example.com", "A Bcc: all@example.com"),
        ("A\x00\x1b\x85B\u2028C", "A B C"),
        ("x" * 999, "x" * 200),
    ],
)
def test_a_subject_is_one_line_of_signs(text, subject):
    assert letters.clean_subject(text) == subject


def act(user, action, row):
    client = ShopClient()
    client.force_login(user)
    path = reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_changelist")
    body = {"action": action, "_selected_action": [row.pk]}
    return client.post(path, body, format="multipart", follow=True)


@pytest.mark.parametrize(
    ("status", "ending"),
    [
        ("pending", ""),
        ("paid", " is paid"),
        ("shipped", "is on its way"),
        ("cancelled", " was cancelled"),
    ],
)
def test_the_latest_mail_is_sent_again_by_an_action(status, ending):
    order = place(buyer(), (VariantFactory(stock=5), 1))
    if status in {"paid", "shipped"}:
        pay(order)
    if status == "cancelled":
        set_status(order, status)
    if status == "shipped":
        for step in ("processing", "shipped"):
            set_status(order, step)
    mail.outbox.clear()

    act(StaffFactory(role="admin"), "send_mail_again", order)

    assert only_mail().subject.endswith(ending)
    assert order.number in only_mail().subject


def test_who_may_only_look_sends_no_mail_again():
    order = place(buyer(), (VariantFactory(stock=5), 1))
    mail.outbox.clear()

    act(StaffFactory(role="warehouse"), "send_mail_again", order)

    assert mail.outbox == []


def test_a_message_given_up_is_sent_again_by_an_action():
    order = place(buyer(), (VariantFactory(stock=5), 1))
    rows().update(sent_at=None, dead_at=timezone.now(), attempts=10)
    mail.outbox.clear()

    act(UserFactory(is_staff=True, is_superuser=True), "send_again", rows().get())
    outbox.deliver_due(now=timezone.now())

    assert order.number in only_mail().subject


@pytest.mark.parametrize(
    ("is_included", "lines"),
    [
        (True, ["Including VAT 20 %: 4.17 GBP", "Including Books 5 %: 0.48 GBP"]),
        (False, ["VAT 20 %: 5.00 GBP", "Books 5 %: 0.50 GBP"]),
    ],
)
def test_mails_name_each_rate_of_tax_and_what_it_takes(settings, is_included, lines):
    settings.PRICES_INCLUDE_TAX = is_included
    books = TaxClass.objects.create(code="books", name="Books")
    TaxRateFactory()
    TaxRateFactory(tax_class=books, rate_ppm=50_000, name="Books")
    mug = VariantFactory(stock=5, price_minor=2500)
    book = VariantFactory(stock=5, price_minor=1000, product__tax_class=books)

    order = place_and_pay(buyer(), (mug, 1), (book, 1))
    refund(order, amount="1.00")

    assert len(mail.outbox) == 3  # placed, paid, refunded
    for message in mail.outbox:
        _, text, page = read(message)
        for line in lines:
            name, _, amount = line.partition(": ")
            assert line in text.splitlines()
            assert name in page
            assert amount in page


def test_mails_say_nothing_of_tax_where_there_is_none():
    place(buyer(), (VariantFactory(stock=5), 1))

    assert "Including" not in read(only_mail())[1]
