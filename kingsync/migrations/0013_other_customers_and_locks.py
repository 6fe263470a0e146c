from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('kingsync', '0012_lines_as_king_tells_them'),
    ]

    operations = [
        migrations.AddField(
            model_name='syncsettings',
            name='order_of_other_customer',
            field=models.CharField(choices=[('hold', 'hold the work order'), ('send', 'send all the same')], db_default='hold', default='hold', max_length=10, verbose_name='Orders of another customer'),
        ),
        migrations.AddField(
            model_name='workorder',
            name='accepted_order',
            field=models.CharField(blank=True, db_default='', max_length=101, verbose_name='other customer accepted'),
        ),
        migrations.AddField(
            model_name='workorder',
            name='busy_since',
            field=models.DateTimeField(null=True, verbose_name='open in King since'),
        ),
        migrations.AddField(
            model_name='workorder',
            name='is_approval_left',
            field=models.BooleanField(db_default=False, default=False, verbose_name='approval left to a person'),
        ),
        migrations.AddField(
            model_name='workorder',
            name='lock_failed_at',
            field=models.DateTimeField(null=True, verbose_name='could not be freed since'),
        ),
        migrations.AddField(
            model_name='workorder',
            name='seen_order',
            field=models.CharField(blank=True, db_default='', max_length=101, verbose_name='King order as read'),
        ),
    ]
