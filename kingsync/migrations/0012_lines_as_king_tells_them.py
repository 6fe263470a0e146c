from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('kingsync', '0011_turns_and_restores'),
    ]

    operations = [
        migrations.AddField(
            model_name='orderline',
            name='as_read',
            field=models.JSONField(db_default={}, default=dict, verbose_name='as read back from King'),
        ),
        migrations.AddField(
            model_name='orderline',
            name='attempted',
            field=models.JSONField(db_default={}, default=dict, verbose_name='as last attempted'),
        ),
        migrations.AddField(
            model_name='workorder',
            name='notices',
            field=models.JSONField(db_default=[], default=list, verbose_name='notices'),
        ),
    ]
