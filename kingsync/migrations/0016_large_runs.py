from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("kingsync", "0015_when_a_run_was_sent_again"),
    ]

    operations = [
        migrations.AddField(
            model_name="syncrun",
            name="is_large",
            field=models.BooleanField(db_default=False, default=False, editable=False),
        ),
    ]
