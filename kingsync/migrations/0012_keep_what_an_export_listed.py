from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("kingsync", "0011_recipients_of_mail"),
    ]

    operations = [
        migrations.AddField(
            model_name="syncrun",
            name="listed",
            field=models.JSONField(editable=False, null=True),
        ),
    ]
