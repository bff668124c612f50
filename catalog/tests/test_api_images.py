"""Pictures of products: taken in only as pixels, shown in their order."""

import contextlib
import random
import time
from io import BytesIO

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from PIL import Image

from accounts.tests.factories import UserFactory
from catalog import errors, pictures, selectors, services
from catalog.category_tree import CategoryTree
from catalog.models import ProductImage
from catalog.tests.answers import code_of, payload, refused
from catalog.tests.factories import CategoryFactory, VariantFactory
from tests.security.pictures import (
    GOOD,
    PROFILE,
    moving,
    with_chunks,
    with_scans_repeated,
    with_segments,
)

pytestmark = pytest.mark.django_db
ELSEWHERE = "https://images.example.com/lamp.jpg"


@pytest.fixture(autouse=True)
def shelf(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    settings.SERVE_MEDIA = True
    return tmp_path


@pytest.fixture
def lamp():
    return VariantFactory(product__name="Lamp").product


def drawn(kind="JPEG", size=(40, 30), mode="RGB", **options):
    stream = BytesIO()
    Image.new(mode, size, "red").save(stream, kind, **options)
    return stream.getvalue()


def upload(content, name="lamp.jpg"):
    return SimpleUploadedFile(name, content, "image/jpeg")


def send(client, path, content, **fields):
    return client.post(path, {"file": upload(content), **fields}, format="multipart")


def files(shelf):
    return [path for path in shelf.rglob("*") if path.is_file()]


@pytest.mark.portable
def test_a_picture_is_uploaded_shown_and_served(manager, anonymous, path_of, lamp):
    answer = send(manager, path_of(f"products/{lamp.pk}/images"), drawn(), alt="A lamp")

    assert answer.status_code == 201
    image = payload(answer)
    assert (image["alt"], image["position"]) == ("A lamp", 0)
    assert (image["width"], image["height"]) == (40, 30)
    [row] = payload(anonymous.get(path_of("products")))["results"]
    assert (row["image_url"], row["thumbnail_url"]) == (image["url"], image["thumbnail_url"])
    detail = payload(anonymous.get(path_of(f"products/{lamp.pk}")))
    assert detail["images"] == [image]
    for url in (image["url"], image["thumbnail_url"]):
        served = anonymous.get(url.removeprefix("http://testserver"))
        assert served.status_code == 200
        assert Image.open(BytesIO(b"".join(served.streaming_content))).size == (40, 30)
        served.close()


def test_files_are_served_here_only_where_that_is_wished(manager, anonymous, lamp, settings):
    image = payload(send(manager, f"/api/catalog/products/{lamp.pk}/images/", drawn()))
    settings.SERVE_MEDIA = False

    assert anonymous.get(image["url"].removeprefix("http://testserver")).status_code == 404
    settings.SERVE_MEDIA = True
    assert anonymous.get("/media/../manage.py").status_code == 400
    assert anonymous.get("/media/").status_code == 404


@pytest.mark.parametrize(
    ("name", "status"),
    [("a" * 256, 404), ("a/" * 3_000, 404), ("a%ff", 404), ("a%ed%a0%80", 404), ("a%00", 400)],
    ids=["long", "deep", "no UTF-8", "a surrogate", "a NUL"],
)
def test_what_no_file_can_be_called_is_not_there(anonymous, name, status):
    assert anonymous.get(f"/media/{name}").status_code == status


@pytest.mark.portable
def test_a_picture_elsewhere_is_stored_and_never_fetched(manager, path_of, lamp):
    path = path_of(f"products/{lamp.pk}/images")

    image = payload(manager.post(path, {"url": ELSEWHERE, "alt": "Lamp"}))

    assert (image["url"], image["thumbnail_url"], image["width"]) == (ELSEWHERE, ELSEWHERE, None)


@pytest.mark.parametrize(
    "url",
    [
        "http://images.example.com/a.jpg",
        "javascript:alert(1)",
        "https://",
        "file:///etc/passwd",
        "//example.com/a.jpg",
        "https://example.com/" + "a" * 500,
        "https://example.com/a\nb",
        "",
        7.5,
    ],
)
def test_an_address_that_is_none_is_refused(manager, path_of, lamp, url):
    answer = manager.post(path_of(f"products/{lamp.pk}/images"), {"url": url})

    assert answer.status_code == 400
    assert ProductImage.objects.count() == 0


@pytest.mark.portable
def test_images_are_changed_ordered_and_removed(manager, anonymous, path_of, lamp):
    path = path_of(f"products/{lamp.pk}/images")
    first, second = (payload(manager.post(path, {"url": f"{ELSEWHERE}?{n}"})) for n in "12")
    one = path_of(f"products/{lamp.pk}/images/{first['id']}")

    assert [first["position"], second["position"]] == [0, 1]
    moved = payload(manager.patch(one, {"position": 2}))
    assert moved == first | {"position": 2}
    assert payload(manager.put(one, {"alt": "Lamp"}))["alt"] == "Lamp"
    listed = [row["id"] for row in payload(anonymous.get(path))["results"]]
    assert listed == [second["id"], first["id"]]
    assert selectors.get_image_urls([lamp.pk]) == {lamp.pk: second["url"]}
    assert payload(anonymous.get(one))["position"] == 2
    assert manager.delete(one).status_code in {200, 204}
    assert anonymous.get(one).status_code == 404
    other = VariantFactory().product
    assert anonymous.get(path_of(f"products/{other.pk}/images/{second['id']}")).status_code == 404


def test_images_are_written_by_staff(anonymous, customer, path_of, lamp):
    path = path_of(f"products/{lamp.pk}/images")

    assert send(anonymous, path, drawn()).status_code == 401
    assert send(customer, path, drawn()).status_code == 403
    assert ProductImage.objects.count() == 0


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF"])
def test_every_usual_kind_is_taken(manager, lamp, kind):
    answer = send(manager, f"/api/catalog/products/{lamp.pk}/images/", drawn(kind))

    assert answer.status_code == 201


def test_a_picture_with_holes_keeps_them(manager, lamp, shelf):
    send(manager, f"/api/catalog/products/{lamp.pk}/images/", drawn("PNG", mode="RGBA"))

    assert {path.suffix for path in files(shelf)} == {".png"}


def test_what_a_file_says_beside_its_pixels_is_left_behind(manager, lamp, shelf):
    exif = Image.Exif()
    exif[0x010E] = "taken at home"
    exif[0x0112] = 6  # lies on its side
    content = drawn(size=(60, 20), exif=exif, comment=b"secret") + b"<script>alert(1)</script>"

    image = payload(send(manager, f"/api/catalog/products/{lamp.pk}/images/", content))

    assert (image["width"], image["height"]) == (20, 60)
    for path in files(shelf):
        kept = path.read_bytes()
        assert not Image.open(BytesIO(kept)).getexif()
        for secret in (b"home", b"secret", b"script"):
            assert secret not in kept


def test_large_pictures_are_made_smaller(manager, lamp):
    image = payload(
        send(manager, f"/api/catalog/products/{lamp.pk}/images/", drawn(size=(3000, 1500)))
    )

    assert (image["width"], image["height"]) == (2400, 1200)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "validation_error"),
        (b"not a picture", "image_invalid"),
        (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "image_invalid"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "image_invalid"),
        (drawn()[:300], "image_invalid"),
        (drawn("BMP"), "image_invalid"),
        (drawn("TIFF"), "image_invalid"),
        (drawn("PNG", size=(10_000, 10_000), mode="1"), "image_too_large"),
        (drawn("GIF", size=(8_000, 8_000), mode="P"), "image_too_large"),
        (drawn() + bytes(pictures.MAX_BYTES), "image_too_large"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_picture_for_the_shop_is_refused(manager, path_of, lamp, shelf, content, code):
    answer = send(manager, path_of(f"products/{lamp.pk}/images"), content)

    assert refused(answer, 400, code)
    assert (ProductImage.objects.count(), files(shelf)) == (0, [])


def test_a_body_too_large_for_any_picture_is_not_even_read(manager, lamp):
    answer = send(manager, f"/api/catalog/products/{lamp.pk}/images/", bytes(6_000_000))

    assert (answer.status_code, code_of(answer)) == (413, "body_too_large")


def test_broken_pictures_never_break_the_shop():
    chance = random.Random(1)
    whole = {kind: drawn(kind, size=(64, 64)) for kind in ("JPEG", "PNG", "WEBP", "GIF")}
    for number in range(200):
        content = bytearray(whole[sorted(whole)[number % 4]])
        for _ in range(8):
            content[chance.randrange(len(content))] = chance.randrange(256)
        with contextlib.suppress(errors.ImageInvalid, errors.ImageTooLarge):
            assert pictures.redraw(BytesIO(content), size=len(content)).width


PROGRESSIVE = drawn(size=(1500, 1500), progressive=True)


@pytest.mark.parametrize(
    "content",
    [
        with_scans_repeated(PROGRESSIVE, 60),
        with_segments(PROGRESSIVE, b"\xff\xfe\x00\x02", 20_000),
        with_segments(PROGRESSIVE, b"\xff", 20_000),
        with_chunks(GOOD, b"iCCP", PROFILE, 2),
        with_chunks(GOOD, b"prVt", b"", 20_000),
    ],
    ids=["scans", "comments", "fill bytes", "profiles", "chunks"],
)
def test_a_picture_of_more_parts_than_any_encoder_writes_is_refused(manager, lamp, shelf, content):
    answer = send(manager, f"/api/catalog/products/{lamp.pk}/images/", content)

    assert refused(answer, 400, "image_invalid")
    assert files(shelf) == []


def test_a_picture_of_many_scans_is_refused_before_any_is_decoded():
    drawing = cost_of(PROGRESSIVE)

    refusing = cost_of(with_scans_repeated(PROGRESSIVE, 1_000))

    assert refusing < drawing / 4


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP"])
def test_of_a_moving_picture_only_the_beginning_is_drawn(kind):
    still, moves = moving(kind, 1, side=300), moving(kind, 100, side=300)

    assert cost_of(moves) < 5 * cost_of(still)
    drawn_anew = pictures.redraw(BytesIO(moves), size=len(moves)).content
    assert drawn_anew == pictures.redraw(BytesIO(still), size=len(still)).content


def cost_of(content):
    """Return the processor's time for one picture, drawn or refused: the least of three."""
    costs = []
    for _ in range(3):
        began = time.process_time()
        with contextlib.suppress(errors.ImageInvalid):
            pictures.redraw(BytesIO(content), size=len(content))
        costs.append(time.process_time() - began)
    return min(costs)


@pytest.mark.parametrize(
    "content",
    [
        with_scans_repeated(PROGRESSIVE, 20),
        with_segments(PROGRESSIVE, b"\xff\xfe\x00\x04ok", 300),
        with_chunks(GOOD, b"iCCP", PROFILE, 1),
        drawn(size=(900, 900), restart_marker_blocks=1),
        drawn() + b"\xff\xda" * 5_000,  # a telephone's film after the picture may hold any bytes
    ],
    ids=["scans", "comments", "profile", "restarts", "behind it"],
)
def test_an_honest_picture_may_have_many_parts(content):
    assert pictures.redraw(BytesIO(content), size=len(content)).width


@pytest.mark.parametrize(
    "fields",
    [{}, {"alt": "x" * 201, "url": ELSEWHERE}, {"position": -1, "url": ELSEWHERE}],
)
def test_an_image_that_cannot_be_is_refused(manager, path_of, lamp, fields):
    assert manager.post(path_of(f"products/{lamp.pk}/images"), fields).status_code == 400
    assert ProductImage.objects.count() == 0


def test_a_file_and_an_address_at_once_are_refused(manager, lamp, shelf):
    answer = send(manager, f"/api/catalog/products/{lamp.pk}/images/", drawn(), url=ELSEWHERE)

    assert answer.status_code == 400
    assert files(shelf) == []


def test_a_product_has_a_bounded_number_of_images(manager, path_of, lamp, shelf):
    for number in range(services.MAX_IMAGES):
        services.link_image(product=lamp, address=f"{ELSEWHERE}?{number}")

    answer = send(manager, path_of(f"products/{lamp.pk}/images"), drawn())

    assert (answer.status_code, code_of(answer)) == (409, "too_many_images")
    assert files(shelf) == []


def test_a_file_outlives_its_row_for_the_orders_that_show_it(manager, lamp, shelf):
    image = payload(send(manager, f"/api/catalog/products/{lamp.pk}/images/", drawn()))

    manager.delete(f"/api/catalog/products/{lamp.pk}/images/{image['id']}/")

    assert len(files(shelf)) == 2


def test_a_picture_is_added_in_the_admin(client, lamp, shelf):
    client.force_login(UserFactory(is_staff=True, is_superuser=True))
    page = "/admin/catalog/productimage/add/"
    body = {"product": lamp.pk, "alt": "Lamp", "position": 0, "address": ""}

    broken = client.post(page, body | {"upload": upload(b"no")}, follow=True)
    assert "no JPEG" in broken.content.decode()
    assert client.post(page, body).status_code == 200
    assert ProductImage.objects.count() == 0

    assert client.post(page, body | {"upload": upload(drawn())}).status_code == 302
    image = ProductImage.objects.get()
    change = f"/admin/catalog/productimage/{image.pk}/change/"
    assert client.post(change, {"alt": "Red lamp", "position": 3}).status_code == 302
    image.refresh_from_db()
    assert (image.alt, image.position, image.width) == ("Red lamp", 3, 40)


@pytest.mark.parametrize("rows", [1, 10])
def test_images_cost_a_constant_number_of_queries(
    anonymous, manager, rows, django_assert_num_queries
):
    products = [VariantFactory(product__category=CategoryFactory()).product for _ in range(rows)]
    for product in products:
        for number in range(rows):
            services.link_image(product=product, address=f"{ELSEWHERE}?{number}")
    CategoryTree.read()  # once for each version of the catalogue

    # On PostgreSQL one statement reads all of a page's parts.
    with django_assert_num_queries(3 if connection.vendor == "postgresql" else 6):
        assert payload(anonymous.get("/api/catalog/products/"))["count"] == rows
    with django_assert_num_queries(3):
        path = f"/api/catalog/products/{products[0].pk}/images/"
        assert payload(anonymous.get(path))["count"] == rows
    with django_assert_num_queries(1):
        assert len(selectors.get_image_urls(row.pk for row in products)) == rows
