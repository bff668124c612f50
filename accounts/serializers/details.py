"""The answer that is a sentence."""

from typing import Any

from rest_framework import serializers


class DetailSerializer(serializers.Serializer[Any]):
    """A sentence, where there is nothing else to say."""

    detail = serializers.CharField()
