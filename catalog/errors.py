"""How the catalogue says no."""

from shop_backend.kernel.errors import BadInput, Conflict, Missing, Refused


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


class TaxClassNotFound(Missing):
    code = "tax_class_not_found"
    message = "There is no tax class {tax_class}."


class TaxClassCodeTaken(BadInput):
    code = "tax_class_code_taken"
    message = "The code {code} is taken."
    field = "code"


class TaxClassInUse(Conflict):
    code = "tax_class_in_use"
    message = "The tax class {tax_class} is that of some products or rates."


class DefaultTaxClass(Conflict):
    code = "default_tax_class"
    message = "There is always one default tax class; make another one the default first."


class CompareAtTooLow(BadInput):
    code = "compare_at_too_low"
    message = "A compare-at price is above the price."
    field = "compare_at_price"


class PublishedBackwards(BadInput):
    code = "published_backwards"
    message = "A product is published from a time before it is published until."
    field = "published_until"


class AttributeNotFound(Missing):
    code = "attribute_not_found"
    message = "There is no attribute {attribute}."


class AttributeCodeTaken(BadInput):
    code = "attribute_code_taken"
    message = "The code {code} is taken."
    field = "code"


class AttributeInUse(Conflict):
    code = "attribute_in_use"
    message = "Products state the attribute {attribute}."


class AttributeValueInvalid(BadInput):
    code = "attribute_value_invalid"
    message = "The value of {attribute} is a {kind}."
    field = "attributes"


class RepeatedAttribute(BadInput):
    code = "repeated_attribute"
    message = "{attribute} is named twice."
    field = "attributes"


class ImageInvalid(BadInput):
    code = "image_invalid"
    message = "The file is no JPEG, PNG, WebP or GIF picture that can be read."
    field = "file"


class ImageTooLarge(BadInput):
    code = "image_too_large"
    message = "A picture has at most {bytes} bytes and {pixels} pixels."
    field = "file"


class TooManyImages(Conflict):
    code = "too_many_images"
    message = "A product has at most {most} images."


class ReviewNotFound(Missing):
    code = "review_not_found"
    message = "There is no such review."


class ReviewNeedsDelivery(Conflict):
    code = "review_needs_delivery"
    message = "A product is reviewed by those who received it."


class ReviewExists(Conflict):
    code = "review_exists"
    message = "You have reviewed this product; change that review instead."


class ReviewChanged(Conflict):
    code = "review_changed"
    message = "The review was changed since it was read; please read revision {revision}."


class NotYourReview(Refused):
    code = "not_your_review"
    message = "This review is somebody else's."


class IllegalReviewTransition(Conflict):
    code = "illegal_review_transition"
    message = "The review is {current} and cannot become {wanted}; it can become {allowed}."
