from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("kingsync", "0010_signed_statements"),
    ]

    operations = [
        migrations.AddField(
            model_name="syncrun",
            name="listed",
            field=models.JSONField(editable=False, null=True),
        ),
    ]
