from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("kingsync", "0004_search_work_orders"),
    ]

    operations = [
        migrations.AddField(
            model_name="syncrun",
            name="listed",
            field=models.JSONField(editable=False, null=True),
        ),
    ]
