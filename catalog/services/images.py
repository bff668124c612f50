"""What products look like.

A file outlives its row: orders show the picture that their buyer saw.
"""

import contextlib
import secrets
from collections.abc import Mapping
from typing import Any, BinaryIO

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from catalog import errors
from catalog.models import Product, ProductImage
from catalog.services.variants import LAST_POSITION, lock_product
from shop_backend.kernel import transactions

MAX_IMAGES = 20


def upload_image(
    *, product: Product, upload: BinaryIO, size: int, alt: str = "", position: int | None = None
) -> ProductImage:
    """Draw an uploaded picture anew, keep it with a thumbnail, and add it to the product.

    The files are written before the transaction, and removed if it fails.

    :param size: the upload's bytes.
    :param position: behind the others if left out.
    :raises ImageInvalid, ImageTooLarge: it is no picture that the shop takes.
    :raises TooManyImages: the product has as many as it can.
    :raises FilesUnavailable: the storage of the files is down.
    """
    from catalog import pictures  # noqa: PLC0415  # with Pillow, which few workers ever need

    picture = pictures.redraw(upload, size=size)
    name = f"products/{secrets.token_hex(16)}"
    with contextlib.ExitStack() as undo:

        def keep(name: str, content: bytes) -> str:
            kept = default_storage.save(f"{name}.{picture.extension}", ContentFile(content))
            undo.callback(default_storage.delete, kept)
            return kept

        image = _insert(
            ProductImage(
                file=keep(name, picture.content),
                thumbnail=keep(f"{name}-small", picture.thumbnail),
                width=picture.width,
                height=picture.height,
                alt=alt,
            ),
            product=product,
            position=position,
        )
        undo.pop_all()
    return image


def link_image(
    *, product: Product, address: str, alt: str = "", position: int | None = None
) -> ProductImage:
    """Add a picture that lies elsewhere; its address is stored and never fetched.

    :raises TooManyImages: the product has as many as it can.
    """
    return _insert(ProductImage(address=address, alt=alt), product=product, position=position)


@transactions.use_case
def update_image(*, image: ProductImage, fields: Mapping[str, Any]) -> ProductImage:
    """Change the named fields of an image: alt, position."""
    for name, value in fields.items():
        setattr(image, name, value)
    image.save(update_fields=list(fields))
    return image


@transactions.use_case
def delete_image(*, image: ProductImage) -> None:
    """Take an image off its product."""
    image.delete()


@transactions.use_case
def _insert(image: ProductImage, *, product: Product, position: int | None) -> ProductImage:
    image.product = lock_product(product.pk)
    taken = list(image.product.images.values_list("position", flat=True))
    if len(taken) >= MAX_IMAGES:
        raise errors.TooManyImages(most=MAX_IMAGES)
    behind = min(max(taken, default=-1) + 1, LAST_POSITION)
    image.position = behind if position is None else position
    image.pk = None  # a repeated transaction inserts anew
    image.save(force_insert=True)
    return image
