from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0002_latest_wish_for_an_address")]

    operations = [
        migrations.AddConstraint(
            model_name="emailchange",
            constraint=models.UniqueConstraint(
                fields=("new_email_key",), name="email_change_once_an_address"
            ),
        ),
        migrations.AddConstraint(
            model_name="otp",
            constraint=models.UniqueConstraint(
                fields=("email_key", "purpose"), name="otp_once_an_address"
            ),
        ),
        migrations.RemoveIndex(model_name="emailchange", name="email_change_by_address"),
        migrations.RemoveIndex(model_name="otp", name="otp_by_address"),
    ]
