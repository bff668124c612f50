from django.db import migrations

from shop_backend.kernel.triggers import append_only


class Migration(migrations.Migration):
    dependencies = [("kernel", "0006_audit_log")]

    operations = [append_only("kernel_auditentry")]
