"""The admin site of the catalogue: staff make and change products with their variants."""

import pytest
from django.contrib import admin
from django.urls import reverse

from accounts.tests.factories import UserFactory
from catalog import services
from catalog.models import Attribute, Category, Product, ProductImage, Review, TaxClass, Variant
from catalog.services import NewVariant
from catalog.tests.factories import CategoryFactory, VariantFactory
from inventory.models import StockLevel

pytestmark = pytest.mark.django_db

MODELS = [model for model in admin.site._registry if model._meta.app_label == "catalog"]
ADD = "/admin/catalog/product/add/"


@pytest.fixture
def boss(client):
    client.force_login(UserFactory(is_staff=True, is_superuser=True))
    return client


def form(*variants, initial=0, options=0, **product):
    """Return what the browser sends for a product and its variants."""
    data = {"name": "Lamp", "slug": "", "description": "", "category": "", "status": "active"}
    data |= product
    data |= {"variants-TOTAL_FORMS": len(variants), "variants-INITIAL_FORMS": initial}
    data |= {"attribute_values-TOTAL_FORMS": 0, "attribute_values-INITIAL_FORMS": 0}
    data |= {"images-TOTAL_FORMS": 0, "images-INITIAL_FORMS": 0}
    data |= {"options-TOTAL_FORMS": options, "options-INITIAL_FORMS": options}
    for number, variant in enumerate(variants):
        row = {"weight_grams": 0, "position": number, "is_active": "on", **variant}
        data |= {f"variants-{number}-{name}": value for name, value in row.items()}
    return data


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_every_page_opens(boss, model):
    services.create_attribute(code="material", name="Material")
    services.create_product(
        name="Shirt",
        attributes=[("material", "Wool")],
        category=CategoryFactory(parent=CategoryFactory()),
        variants=[NewVariant(price_minor=100, stock=3, options={"Size": "M"})],
        actor_id=None,
    )
    product = Product.objects.get()
    services.link_image(product=product, address="https://images.example.com/shirt.jpg")
    Review.objects.create(product=product, author=UserFactory(), rating=5, title="Soft", text="S")
    name = f"admin:catalog_{model._meta.model_name}"

    assert boss.get(reverse(f"{name}_changelist"), {"q": "S"}).status_code == 200
    one = model.objects.order_by("pk").first()
    assert boss.get(reverse(f"{name}_change", args=[one.pk])).status_code == 200
    is_made_here = model in {Product, Category, TaxClass, Attribute, ProductImage}
    assert boss.get(reverse(f"{name}_add")).status_code == (200 if is_made_here else 403)


def test_a_product_made_in_the_admin_can_be_bought(boss):
    category = CategoryFactory()
    data = form(
        {"sku": "L-1", "price_minor": "19.99", "stock": 5, "choices": "Colour=Red"},
        {"price_minor": "21", "choices": "Colour=Blue"},
        category=category.pk,
    )

    assert boss.post(ADD, data).status_code == 302

    product = Product.objects.get()
    assert (product.slug, product.from_price_minor) == ("lamp", 1999)
    assert product.category == category
    skus = list(product.variants.order_by("position").values_list("sku", flat=True))
    assert skus == ["L-1", "LAMP-BLUE"]
    assert StockLevel.objects.get().on_hand == 5


def test_variants_are_changed_added_and_removed_together(boss):
    product = services.create_product(
        name="Lamp",
        variants=[
            NewVariant(price_minor=100, sku="A", options={"Size": "M"}, stock=2),
            NewVariant(price_minor=200, sku="B", options={"Size": "L"}),
        ],
        actor_id=None,
    )
    first, second = product.variants.order_by("position")
    option = product.options.get()
    page = reverse("admin:catalog_product_change", args=[product.pk])
    data = form(
        {"id": first.pk, "sku": "A2", "price_minor": "3.00", "choices": "Size=S"},
        {"id": second.pk, "sku": "B", "price_minor": "2.00", "DELETE": "on"},
        {"sku": "C", "price_minor": "4.00", "choices": "Size=XL", "stock": 9},
        initial=2,
        options=1,
        name="Lamp 2",
        slug="lamp",
    )
    data |= {"options-0-id": option.pk, "options-0-name": "Size", "options-0-position": 0}
    data |= {"options-0-product": product.pk}

    answer = boss.post(page, data)

    assert answer.status_code == 302
    product.refresh_from_db()
    assert (product.name, product.from_price_minor) == ("Lamp 2", 300)
    standing = product.variants.standing().order_by("position", "pk")
    assert [row.sku for row in standing] == ["A2", "C"]
    values = product.options.get().values.order_by("pk").values_list("value", flat=True)
    assert list(values) == ["S", "XL"]
    second.refresh_from_db()
    assert second.removed_at is not None


@pytest.mark.parametrize(
    ("variants", "words"),
    [
        ([{"price_minor": "1", "sku": "taken"}], "The SKU is taken."),
        ([{"price_minor": "1", "is_active": ""}], "needs an active variant"),
        ([{"price_minor": "1.999"}], "decimal places"),
        ([{"price_minor": "1", "choices": "Red"}], "Write the choices as"),
        (
            [{"price_minor": "1", "choices": "A=1"}, {"price_minor": "1", "choices": "A=1"}],
            "same options",
        ),
    ],
)
def test_a_product_that_cannot_be_is_refused_in_words(boss, variants, words):
    VariantFactory(sku="TAKEN")

    answer = boss.post(ADD, form(*variants), follow=True)

    assert words in answer.content.decode()
    assert (Product.objects.count(), Variant.objects.count()) == (1, 1)


def test_removing_in_the_admin_hides_the_product(boss):
    product = VariantFactory().product

    boss.post(
        reverse("admin:catalog_product_changelist"),
        {"action": "remove", "_selected_action": [product.pk]},
    )

    product.refresh_from_db()
    assert product.status == "deleted"
    page = reverse("admin:catalog_product_change", args=[product.pk])
    assert boss.get(page).status_code == 200
    assert boss.post(page, form(name="Back")).status_code == 403


def test_categories_are_made_and_moved_but_never_below_themselves(boss):
    data = {"name": "Home", "slug": "", "description": "", "parent": "", "position": 0}
    assert boss.post("/admin/catalog/category/add/", data).status_code == 302
    home = Category.objects.get(slug="home")
    below = CategoryFactory(parent=home)
    page = reverse("admin:catalog_category_change", args=[home.pk])

    refused = boss.post(page, data | {"slug": "home", "parent": below.pk})

    assert "below itself" in refused.content.decode()
    home.refresh_from_db()
    assert home.parent_id is None
    assert boss.post(page, data | {"slug": "home", "name": "House"}).status_code == 302
    home.refresh_from_db()
    assert home.name == "House"
