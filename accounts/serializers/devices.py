"""The devices that are signed in."""

from rest_framework import serializers

from accounts.models import Session


class SessionSerializer(serializers.ModelSerializer[Session]):
    """One signed-in device."""

    is_current = serializers.SerializerMethodField(help_text="The one that this request came by.")

    class Meta:
        model = Session
        fields = (
            "id",
            "created_at",
            "last_used_at",
            "expires_at",
            "user_agent",
            "ip",
            "is_current",
        )

    def get_is_current(self, session: Session) -> bool:
        return bool(session.pk == self.context.get("current"))
