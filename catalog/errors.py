"""How the catalogue says no."""

from shop_backend.kernel.errors import BadInput, Conflict, Missing


class VariantNotFound(Missing):
    code = "product_not_found"
    message = "There is no such product for sale."


class VariantRequired(BadInput):
    code = "variant_required"
    message = "The product has several variants; name the one that is meant."


class CategoryNotFound(Missing):
    code = "category_not_found"
    message = "There is no category {category}."


class CategoryInUse(Conflict):
    code = "category_in_use"
    message = "The category {category} has products or categories below it."


class CategoryCycle(Conflict):
    code = "category_cycle"
    message = "A category cannot be moved below itself."


class CategoryTooDeep(BadInput):
    code = "category_too_deep"
    message = "Categories nest at most {most} levels deep."
    field = "parent"


class SlugTaken(BadInput):
    code = "slug_taken"
    message = "The slug {slug} is taken."
    field = "slug"


class SkuTaken(BadInput):
    code = "sku_taken"
    message = "The SKU {sku} is taken."
    field = "sku"


class SkuOfAnotherProduct(BadInput):
    code = "sku_of_another_product"
    message = "The SKU {sku} is a variant of {product} already."
    field = "product"


class OptionsMismatch(BadInput):
    code = "options_mismatch"
    message = "Every variant of a product names the same options: {wanted}."
    field = "options"


class RepeatedOption(BadInput):
    code = "repeated_option"
    message = "{name} is named twice."
    field = "options"


class UnknownOptionValue(BadInput):
    code = "unknown_option_value"
    message = "{value} is none of the listed values of {option}."
    field = "options"


class VariantExists(Conflict):
    code = "variant_exists"
    message = "Another variant of the product has the same options."


class TooManyVariants(Conflict):
    code = "too_many_variants"
    message = "A product has at most {most} variants."


class LastVariant(Conflict):
    code = "last_variant"
    message = "A product on sale keeps at least one active variant; hide the product instead."
