"""Every way payments says no."""

from shop_backend.kernel.errors import (
    BadInput,
    Conflict,
    Missing,
    Refused,
    ShopError,
    Unavailable,
)


class ProviderUnavailable(Unavailable):
    """The provider did not answer, or not in time; asking again continues the same payment."""

    code = "payment_provider_unavailable"
    message = "The payment provider cannot be reached; please try again."


class ProviderNotConfigured(Missing):
    code = "payment_provider_not_configured"
    message = "This shop does not use that payment provider."


class InvalidPaymentMethod(BadInput):
    code = "invalid_payment_method"
    message = "The payment provider does not know this payment method."
    field = "payment_method"


class AmountNotPayable(Conflict):
    """Providers have a least and a greatest amount; the customer has to pay in another way."""

    code = "amount_not_payable"
    message = "The payment provider does not collect {amount}."


class CardDeclined(Conflict):
    """The payment stays open: another payment method may be tried."""

    code = "card_declined"
    message = "The card was declined ({decline_code}); try another payment method."


class TooManyDeclines(ShopError):
    """Too many cards were declined for this account or order, or this card anywhere."""

    status = 429
    code = "too_many_declines"
    message = "Too many cards were declined; please wait before you try again."

    def __init__(self, *, seconds: int) -> None:
        super().__init__()
        self.retry_after_seconds = seconds


class PaymentNotOpen(Conflict):
    code = "payment_not_open"
    message = "The payment has ended meanwhile ({current}); start it again."


class PaymentInProgress(Conflict):
    code = "payment_in_progress"
    message = "An earlier payment is still being worked on by the provider."
    retry_after_seconds = 5


class PaymentUnderReview(Conflict):
    code = "payment_under_review"
    message = "What the provider says does not fit this payment; the shop looks into it."


class NotCapturable(Conflict):
    code = "payment_not_capturable"
    message = "The payment is {current}; only an authorised one can be captured."


class NotVoidable(Conflict):
    code = "payment_not_voidable"
    message = "The payment is {current}; only an authorised one can be voided."


class NothingToRefund(Conflict):
    code = "nothing_to_refund"
    message = "Nothing is left to refund on this payment."


class RefundExceedsCaptured(Conflict):
    code = "refund_exceeds_captured"
    message = "{requested} is more than the {left} that is left of this payment."


class RefundLimitExceeded(Refused):
    code = "refund_limit_exceeded"
    message = "Your role refunds up to {limit} of a payment; ask a manager."


class RefundDayLimitExceeded(Refused):
    code = "refund_day_limit_exceeded"
    message = "Your role refunds up to {limit} in 24 hours, all payments together; ask a manager."


class RefundNotAllowed(Refused):
    code = "refund_not_allowed"
    message = "Your role does not refund payments."


class AmountExceedsDue(Conflict):
    code = "amount_exceeds_due"
    message = "{requested} is more than the {due} that is due."


class InvalidSignature(BadInput):
    code = "invalid_signature"
    message = "The signature does not belong to this body."


class MalformedWebhook(BadInput):
    code = "malformed_webhook"
    message = "The event is not in the form that the provider documents."
