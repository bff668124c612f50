"""Tax classes, in and out."""

from typing import Any

from rest_framework import serializers

from catalog.models import TaxClass
from catalog.serializers import fields


class TaxClassSerializer(serializers.ModelSerializer[TaxClass]):
    code = serializers.CharField()
    is_default = serializers.BooleanField(
        help_text="Whether products without a class of their own are taxed so."
    )

    class Meta:
        model = TaxClass
        fields = ["id", "name", "code", "is_default"]


class TaxClassRequestSerializer(serializers.Serializer[Any]):
    name = fields.LineField(max_length=100)
    code = fields.CodeField()
    is_default = serializers.BooleanField(required=False)
