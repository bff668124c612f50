import django.db.models.deletion
import django.db.models.expressions
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("payments", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="MoneyEntry",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "account",
                    models.CharField(
                        choices=[
                            ("customer", "Customer"),
                            ("processing", "Processing"),
                            ("authorized", "Authorized"),
                            ("captured", "Captured"),
                            ("refund_pending", "Refund Pending"),
                            ("refunded", "Refunded"),
                        ],
                        max_length=16,
                    ),
                ),
                ("amount_minor", models.BigIntegerField()),
                ("currency", models.CharField(max_length=3)),
            ],
            options={
                "verbose_name_plural": "money entries",
            },
        ),
        migrations.CreateModel(
            name="MoneyMovement",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("opening", "Opening"),
                            ("processing_started", "Processing Started"),
                            ("processing_ended", "Processing Ended"),
                            ("authorization", "Authorization"),
                            ("release", "Release"),
                            ("capture", "Capture"),
                            ("refund_request", "Refund Request"),
                            ("refund_success", "Refund Success"),
                            ("refund_failure", "Refund Failure"),
                        ],
                        max_length=20,
                    ),
                ),
                ("once_key", models.CharField(max_length=100, unique=True)),
                (
                    "actor_id",
                    models.BigIntegerField(
                        blank=True, help_text="Who, if a person did it.", null=True
                    ),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
            ],
        ),
        migrations.CreateModel(
            name="PaymentReview",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("reason", models.CharField(max_length=64)),
                ("open_key", models.CharField(blank=True, max_length=100, null=True, unique=True)),
                ("said", models.JSONField(default=dict, help_text="What the provider said.")),
                ("opened_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("closed_at", models.DateTimeField(blank=True, null=True)),
                ("closed_by_id", models.BigIntegerField(blank=True, null=True)),
                ("note", models.CharField(blank=True, default="", max_length=500)),
            ],
        ),
        migrations.AddField(
            model_name="payment",
            name="authorized_minor",
            field=models.BigIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="payment",
            name="processing_minor",
            field=models.BigIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="providerevent",
            name="next_attempt_at",
            field=models.DateTimeField(default=django.utils.timezone.now),
        ),
        migrations.AddIndex(
            model_name="providerevent",
            index=models.Index(
                fields=["applied_at", "next_attempt_at"], name="provider_event_waiting"
            ),
        ),
        migrations.AddConstraint(
            model_name="payment",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "amount_minor__gte",
                        django.db.models.expressions.CombinedExpression(
                            django.db.models.expressions.CombinedExpression(
                                models.F("processing_minor"), "+", models.F("authorized_minor")
                            ),
                            "+",
                            models.F("captured_minor"),
                        ),
                    ),
                    ("authorized_minor__gte", 0),
                    ("processing_minor__gte", 0),
                ),
                name="payment_awaited_within_amount",
            ),
        ),
        migrations.AddField(
            model_name="moneymovement",
            name="payment",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="movements",
                to="payments.payment",
            ),
        ),
        migrations.AddField(
            model_name="moneymovement",
            name="refund",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="movements",
                to="payments.refund",
            ),
        ),
        migrations.AddField(
            model_name="moneyentry",
            name="movement",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="entries",
                to="payments.moneymovement",
            ),
        ),
        migrations.AddField(
            model_name="paymentreview",
            name="payment",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="reviews",
                to="payments.payment",
            ),
        ),
        migrations.AddConstraint(
            model_name="moneyentry",
            constraint=models.CheckConstraint(
                condition=models.Q(("amount_minor", 0), _negated=True),
                name="money_entry_of_something",
            ),
        ),
        migrations.AddConstraint(
            model_name="moneyentry",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "account__in",
                        [
                            "customer",
                            "processing",
                            "authorized",
                            "captured",
                            "refund_pending",
                            "refunded",
                        ],
                    )
                ),
                name="money_entry_of_an_account",
            ),
        ),
        migrations.AddConstraint(
            model_name="moneyentry",
            constraint=models.UniqueConstraint(
                fields=("movement", "account"), name="money_entry_once_an_account"
            ),
        ),
    ]
