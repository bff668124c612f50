"""What the demo's customers say about what they received, written as customers write it."""

from django.contrib.auth.models import Group

from accounts.models import User
from catalog import services as catalog
from catalog.models import Product, Review, Variant
from catalog.selectors import VariantReference
from orders import services as orders
from orders.answers import OrderDeliveries
from orders.services import Delivery, Item
from shipping.models import Address

# username, first name, last name. Without an email: nobody is written to about these orders.
REVIEWERS = (("maya", "Maya", "Brooks"), ("tom", "Tom", "Fisher"), ("ines", "Inês", "Almeida"))
# username, SKU, rating, title, text, whether it is approved
REVIEWS = (
    ("maya", "20676", 5, "Cheerful", "Bought one, came back for the set.", True),
    ("tom", "20676", 4, "Good bowl", "Smaller than I thought, and very solid.", True),
    ("ines", "15036", 4, "Light and pretty", "It folds small and survived a summer.", True),
    ("tom", "15036", 3, "Fine", "The colour was a surprise; it is assorted, after all.", True),
    ("maya", "16014", 2, "Blunt", "It cuts paper, and nothing else.", False),
)
_WAY = ("paid", "processing", "shipped", "delivered")


def load(*, password: str, moderator: User) -> None:
    """Have the reviewers buy, receive and review; what is there already stays as it is."""
    people = {row[0]: _load_reviewer(*row, password=password) for row in REVIEWERS}
    for username, sku, rating, title, text, is_approved in REVIEWS:
        author = people[username]
        product = Product.objects.get(pk=Variant.objects.get(sku=sku).product_id)
        if Review.objects.filter(product=product, author=author).exists():
            continue
        _have_delivered(author, sku, product, moderator)
        review = catalog.write_review(
            product=product, author=author, rating=rating, title=title, text=text
        )
        if is_approved:
            catalog.approve_review(
                review=review, revision=review.revision, moderator_id=moderator.pk
            )


def _load_reviewer(username: str, first_name: str, last_name: str, *, password: str) -> User:
    known = User.objects.filter(username_key=username).first()
    if known is not None:
        return known
    user = User.objects.create_user(
        username, "", password, first_name=first_name, last_name=last_name
    )
    user.groups.add(Group.objects.get(name="customer"))
    Address.objects.create(
        user=user,
        default_for=user.pk,
        full_name=user.get_full_name(),
        line1="2 Market Street",
        city="Manchester",
        postal_code="M1 1AE",
        country="GB",
    )
    return user


def _have_delivered(author: User, sku: str, product: Product, moderator: User) -> None:
    if OrderDeliveries().has_received(user_id=author.pk, product_id=product.pk):
        return
    item = Item(VariantReference(sku=sku), 1)
    order = orders.place_order(customer=author, items=[item], delivery=Delivery())
    for status in _WAY:
        orders.set_status(number=order.number, status=status, actor=moderator)
