from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("kingsync", "0014_pausing_webhooks"),
    ]

    operations = [
        migrations.AddField(
            model_name="syncrun",
            name="resent_at",
            field=models.DateTimeField(editable=False, null=True),
        ),
    ]
