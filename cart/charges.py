"""What comes on top of the goods where a basket goes: the ways of sending, and the taxes.

Read in one query, because every look at a cart needs all of it. It is a union of plain columns
(a kind, then texts and numbers) that any database understands.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from django.conf import settings

from cart.models.taxes import normalise_region
from cart.taxes import NO_TAX, AppliedRate, Rates
from shop_backend.kernel import statements
from shop_backend.kernel.money import Money
from shop_backend.kernel.selects import one_line

_METHODS = one_line("""
    SELECT 1, m.code, m.name, CASE WHEN m.currency = %s AND (
            NOT EXISTS (
                SELECT 1 FROM shipping_shippingmethod_zones l WHERE l.shippingmethod_id = m.id
            )
            OR EXISTS (
                SELECT 1 FROM shipping_shippingmethod_zones l
                JOIN shipping_zonearea a ON a.zone_id = l.zone_id
                WHERE l.shippingmethod_id = m.id AND a.country = %s
                    AND (a.region = '' OR UPPER(a.region) = UPPER(%s))
            )
        ) THEN 'serves' ELSE '' END, m.id, m.position, m.price_minor, m.free_from_subtotal_minor,
        m.min_subtotal_minor, m.max_subtotal_minor, m.min_weight_grams, m.max_weight_grams,
        r.from_weight_grams, r.price_minor
    FROM shipping_shippingmethod m
    LEFT JOIN shipping_shippingrate r ON r.method_id = m.id
    WHERE m.is_active
""")
_TAXES = one_line("""
    SELECT 2, c.code, t.name, t.region, t.tax_class_id, t.rate_ppm,
        CASE WHEN c.is_default THEN 1 ELSE 0 END, 0, 0, 0, 0, 0, 0, 0
    FROM cart_taxrate t JOIN catalog_taxclass c ON c.id = t.tax_class_id
    WHERE t.country = %s AND (t.region = '' OR t.region = %s)
""")
_OPTIONS = one_line("""
    SELECT 3, o.name, v.value, '', c.variant_id, o.position, o.id, 0, 0, 0, 0, 0, 0, 0
    FROM catalog_variant_option_values c
    JOIN catalog_optionvalue v ON v.id = c.optionvalue_id
    JOIN catalog_option o ON o.id = v.option_id
    WHERE c.variant_id IN ({variants})
""")
_METHOD, _TAX, _OPTION = 1, 2, 3


@dataclass(slots=True)
class Method:
    """A way of sending that serves the place; ``bounds`` are those of the baskets it takes."""

    pk: int
    code: str
    name: str
    position: int
    price_minor: int
    free_from_minor: int | None
    bounds: tuple[int | None, int | None, int | None, int | None]
    rates: list[tuple[int, int]] = field(default_factory=list)

    def takes(self, *, subtotal_minor: int, weight_grams: int) -> bool:
        """Return whether its bounds, themselves included, hold such a basket."""
        from_minor, to_minor, from_grams, to_grams = self.bounds
        return (
            (from_minor is None or from_minor <= subtotal_minor)
            and (to_minor is None or to_minor >= subtotal_minor)
            and (from_grams is None or from_grams <= weight_grams)
            and (to_grams is None or to_grams >= weight_grams)
        )

    def get_price_minor(self, *, subtotal_minor: int, weight_grams: int) -> int:
        """Return what sending such a basket costs: the last rate whose weight it reaches."""
        if self.free_from_minor is not None and subtotal_minor >= self.free_from_minor:
            return 0
        reached = [rate for rate in self.rates if rate[0] <= weight_grams]
        return max(reached)[1] if reached else self.price_minor


@dataclass(slots=True)
class Charges:
    """The ways of sending that serve a place and its tax rates; and variants' options.

    ``has_methods`` says whether the shop has any way of sending at all.
    """

    methods: list[Method] = field(default_factory=list)
    has_methods: bool = False
    rates: Rates = field(default_factory=Rates)
    options: Mapping[int, Mapping[str, str]] = field(default_factory=dict)

    def get_offers(self, *, subtotal: Money, weight_grams: int) -> list[tuple[Method, Money]]:
        """Return the methods that take the basket with their prices, cheapest first."""
        basket = {"subtotal_minor": subtotal.minor, "weight_grams": weight_grams}
        offers = [
            (method, Money(method.get_price_minor(**basket), subtotal.currency))
            for method in self.methods
            if method.takes(**basket)
        ]
        return sorted(offers, key=lambda offer: (offer[1].minor, offer[0].position, offer[0].pk))


def get_charges(
    *,
    destination: Mapping[str, Any] | None,
    place: Mapping[str, Any] | None,
    variant_ids: Iterable[int] = (),
) -> Charges:
    """Return what comes on top.

    :param destination: where it is sent; ``None``: nowhere yet, so no way is looked for.
    :param place: whose taxes hold; see ``taxes.get_place``.
    :param variant_ids: of these the options are read along.
    """
    texts: list[str] = []
    parameters: list[Any] = []
    if destination is not None:
        region = destination.get("region", "")
        texts.append(_METHODS)
        parameters += [settings.SHOP_CURRENCY, destination["country"], region]
    if place is not None:
        texts.append(_TAXES)
        region = normalise_region(place.get("region") or "")
        parameters += [place["country"].upper(), region]
    if variants := list(variant_ids):
        texts.append(_OPTIONS.format(variants=", ".join(["%s"] * len(variants))))
        parameters += variants
    if not texts:
        return Charges()
    return _collected(statements.read(" UNION ALL ".join(texts), parameters))


class _Remembered(NamedTuple):
    """What this process has read of one version; replaced whole, so that no thread mixes two."""

    mark: int
    of_places: dict[Any, Charges]
    options: dict[int, Mapping[str, str]]


_latest = _Remembered(-1, {}, {})
_MOST_REMEMBERED = 20_000


def get_charges_as_of(
    mark: int | None,
    *,
    destination: Mapping[str, Any] | None,
    place: Mapping[str, Any] | None,
    variant_ids: Iterable[int] = (),
) -> Charges:
    """Return what ``get_charges`` does, without a query for what was read of this version before.

    For showing alone: an order is placed by what its transaction reads.

    :param mark: of the version of the catalogue, just read; ``None``: it is not known.
    """
    variants = list(variant_ids)
    if mark is None:
        return get_charges(destination=destination, place=place, variant_ids=variants)
    known = _remembered_of(mark)
    where = (
        _named(destination),
        _named(place),
        settings.SHOP_CURRENCY,
        settings.SHIPPING_TAX_CLASS,
    )
    charges = known.of_places.get(where)
    missing = [pk for pk in variants if pk not in known.options]
    if charges is None or missing:
        is_new = charges is None
        read = get_charges(
            destination=destination if is_new else None,
            place=place if is_new else None,
            variant_ids=missing,
        )
        known.options.update((pk, read.options.get(pk, {})) for pk in missing)
        if charges is None:
            charges = known.of_places[where] = replace(read, options={})
    return replace(charges, options={pk: known.options[pk] for pk in variants})


def _remembered_of(mark: int) -> _Remembered:
    global _latest
    known = _latest
    if known.mark != mark or len(known.of_places) + len(known.options) > _MOST_REMEMBERED:
        known = _latest = _Remembered(mark, {}, {})
    return known


def _named(place: Mapping[str, Any] | None) -> tuple[str, str] | None:
    return None if place is None else (place["country"], place.get("region") or "")


def _collected(rows: Iterable[tuple[Any, ...]]) -> Charges:
    methods: dict[int, Method] = {}
    taxes: list[tuple[Any, ...]] = []
    options: list[tuple[Any, ...]] = []
    has_methods = False
    for row in rows:
        if row[0] == _METHOD:
            has_methods = True
            if not row[3]:
                continue
            method = methods.get(row[4])
            if method is None:
                method = Method(row[4], row[1], row[2], row[5], row[6], row[7], row[8:12])
                methods[method.pk] = method
            if row[12] is not None:
                method.rates.append((row[12], row[13]))
        elif row[0] == _TAX:
            taxes.append(row)
        else:
            options.append(row)
    chosen: dict[int, dict[str, str]] = {}
    for row in sorted(options, key=lambda row: row[5:7]):
        chosen.setdefault(row[4], {})[row[1]] = row[2]
    return Charges(list(methods.values()), has_methods, _rates(taxes), chosen)


def _rates(rows: Iterable[tuple[Any, ...]]) -> Rates:
    by_class: dict[int, AppliedRate] = {}
    default = shipping = NO_TAX
    # The whole country first, so that the region overwrites it.
    for _, code, name, _, tax_class_id, ppm, is_default, *_ in sorted(rows, key=lambda r: r[3]):
        by_class[tax_class_id] = applied = AppliedRate(name, ppm)
        if is_default:
            default = applied
        if code == settings.SHIPPING_TAX_CLASS:
            shipping = applied
    return Rates(by_class, default, shipping)
