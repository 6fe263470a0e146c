from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("kingsync", "0013_years_of_data"),
    ]

    operations = [
        migrations.AddField(
            model_name="webhook",
            name="paused_at",
            field=models.DateTimeField(null=True, verbose_name="paused at"),
        ),
    ]
