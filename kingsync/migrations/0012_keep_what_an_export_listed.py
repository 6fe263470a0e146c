from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("kingsync", "0008_count_what_happens"),
    ]

    operations = [
        migrations.AddField(
            model_name="syncrun",
            name="listed",
            field=models.JSONField(editable=False, null=True),
        ),
    ]
