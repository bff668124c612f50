from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("cart", "0002_coupons_and_tax_rates")]

    operations = [
        migrations.AddConstraint(
            model_name="cartline",
            constraint=models.CheckConstraint(
                condition=models.Q(("seen_price_minor__gte", 0)),
                name="cart_line_price_not_negative",
            ),
        )
    ]
