"""Swagger 2.0's dialect of JSON Schema, as closed schemas that ``jsonschema`` understands."""

import re
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from uuid import UUID

from jsonschema import Draft202012Validator, FormatChecker

_KEPT = (
    "enum",
    "format",
    "maxItems",
    "maxLength",
    "maximum",
    "minItems",
    "minLength",
    "minimum",
    "pattern",
    "required",
    "type",
    "uniqueItems",
)

formats = FormatChecker(formats=())


@formats.checks("date-time", raises=ValueError)
def _is_a_time_in_utc(value: object) -> bool:
    if not isinstance(value, str):
        return True
    datetime.fromisoformat(value)
    return value.endswith("Z")


@formats.checks("date", raises=ValueError)
def _is_a_day(value: object) -> bool:
    return not isinstance(value, str) or bool(date.fromisoformat(value))


@formats.checks("uuid", raises=ValueError)
def _is_a_uuid(value: object) -> bool:
    return not isinstance(value, str) or bool(UUID(value))


@formats.checks("decimal")
def _is_a_decimal(value: object) -> bool:
    return not isinstance(value, str) or bool(re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", value))


class Dialect:
    """Translates the schemas of one document; each definition once."""

    def __init__(self, definitions: Mapping[str, Any]) -> None:
        self._definitions = definitions
        self._translated: dict[str, dict[str, Any]] = {}

    def validator(self, schema: Mapping[str, Any]) -> Draft202012Validator:
        """Return what holds a value against a published schema."""
        return Draft202012Validator(self.closed(schema), format_checker=formats)

    def closed(self, schema: Mapping[str, Any]) -> dict[str, Any]:
        """Return the schema for ``jsonschema``: what it does not name may not be there.

        A definition that contains itself becomes a dict that contains itself.
        """
        if "$ref" in schema:
            return self._definition(schema["$ref"].rsplit("/", 1)[1])
        translated = {name: schema[name] for name in _KEPT if name in schema}
        if "items" in schema:
            translated["items"] = self.closed(schema["items"])
        if schema.get("type") == "object" or "properties" in schema:
            self._close(schema, translated)
        if schema.get("x-nullable"):
            translated = _or_null(translated)
        return translated

    def _definition(self, name: str) -> dict[str, Any]:
        if name not in self._translated:
            self._translated[name] = {}  # there before its own parts ask for it
            self._translated[name].update(self.closed(self._definitions[name]))
        return self._translated[name]

    def _close(self, schema: Mapping[str, Any], translated: dict[str, Any]) -> None:
        properties = schema.get("properties", {})
        translated["properties"] = {
            name: self.closed(property_) for name, property_ in properties.items()
        }
        further = schema.get("additionalProperties", False)
        translated["additionalProperties"] = (
            further if isinstance(further, bool) else self.closed(further)
        )


def _or_null(schema: dict[str, Any]) -> dict[str, Any]:
    if not isinstance(schema.get("type"), str):
        return {"anyOf": [schema, {"type": "null"}]} if schema else schema
    nullable = {**schema, "type": [schema["type"], "null"]}
    if "enum" in schema:
        nullable["enum"] = [*schema["enum"], None]
    return nullable
