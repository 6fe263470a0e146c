

import django.db.models.deletion
import django.db.models.manager
import uuid
from django.db import migrations, models


def name_the_installation(apps, schema_editor):
    apps.get_model('kingsync', 'Installation').objects.create()


class Migration(migrations.Migration):

    dependencies = [
        ('kingsync', '0010_unsent_runs'),
    ]

    operations = [
        migrations.CreateModel(
            name='Installation',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('identity', models.UUIDField(default=uuid.uuid4, editable=False)),
            ],
            options={
                'verbose_name': 'installation',
                'verbose_name_plural': 'installations',
            },
        ),
        migrations.CreateModel(
            name='KingTurn',
            fields=[
                ('key', models.CharField(max_length=600, primary_key=True, serialize=False, verbose_name='administration')),
                ('holder', models.CharField(blank=True, max_length=200, verbose_name='held by')),
                ('caller', models.CharField(blank=True, choices=[('export', 'export'), ('page', 'page'), ('import', 'import')], max_length=10, verbose_name='for')),
                ('until', models.DateTimeField(verbose_name='until')),
            ],
            options={
                'verbose_name': 'turn at King',
                'verbose_name_plural': 'turns at King',
            },
        ),
        migrations.CreateModel(
            name='KingTurnRequest',
            fields=[
                ('holder', models.CharField(max_length=200, primary_key=True, serialize=False, verbose_name='waits')),
                ('key', models.CharField(db_index=True, max_length=600, verbose_name='administration')),
                ('caller', models.CharField(choices=[('export', 'export'), ('page', 'page'), ('import', 'import')], max_length=10, verbose_name='for')),
                ('since', models.DateTimeField(verbose_name='since')),
                ('until', models.DateTimeField(verbose_name='until')),
            ],
            options={
                'verbose_name': 'wait for a turn at King',
                'verbose_name_plural': 'waits for a turn at King',
            },
        ),
        migrations.CreateModel(
            name='OrderWatch',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('administration', models.CharField(max_length=100, verbose_name='administration')),
                ('looked_at', models.DateTimeField(null=True, verbose_name='compared until')),
                ('journal_mark', models.CharField(blank=True, max_length=32)),
                ('noticed_at', models.DateTimeField(null=True, verbose_name='restore noticed at')),
                ('found_count', models.PositiveIntegerField(default=0, verbose_name='orders found again')),
                ('closed_count', models.PositiveIntegerField(default=0, verbose_name='orders that King does not show any more')),
            ],
            options={
                'verbose_name': "comparison with King's orders",
                'verbose_name_plural': "comparisons with King's orders",
                'base_manager_name': 'across_tenants',
            },
            managers=[
                ('objects', django.db.models.manager.Manager()),
                ('across_tenants', django.db.models.manager.Manager()),
            ],
        ),
        migrations.RemoveConstraint(
            model_name='workorder',
            name='one_link_per_king_order',
        ),
        migrations.AddField(
            model_name='workorder',
            name='after_restore',
            field=models.CharField(blank=True, choices=[('found', 'its order was found again'), ('unsure', 'nobody can tell whether King had an order')], db_default='', default='', max_length=10, verbose_name='after a restore'),
        ),
        migrations.AddConstraint(
            model_name='workorder',
            constraint=models.UniqueConstraint(condition=models.Q(('is_created_by_us', False)), fields=('tenant', 'king_order_number'), name='one_link_per_king_order'),
        ),
        migrations.AddField(
            model_name='orderwatch',
            name='noticed_in',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='kingsync.syncrun', verbose_name='in run'),
        ),
        migrations.AddField(
            model_name='orderwatch',
            name='tenant',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='kingsync.tenant', verbose_name='tenant'),
        ),
        migrations.AddConstraint(
            model_name='orderwatch',
            constraint=models.UniqueConstraint(fields=('tenant', 'administration'), name='one_watch_per_administration'),
        ),
        # Before the first backup, so that every backup has it.
        migrations.RunPython(name_the_installation, migrations.RunPython.noop),
    ]
