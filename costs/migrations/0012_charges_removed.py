from django.db import migrations, models
from django.db.models import F


def went_with_the_rows(apps, schema_editor):
    """Until now an import's charges went together with its rows."""
    apps.get_model('costs', 'BillImport').objects.filter(rollups_removed_at__isnull=False).update(
        charges_removed_at=F('rollups_removed_at')
    )


class Migration(migrations.Migration):

    dependencies = [
        ('costs', '0011_import_files'),
    ]

    operations = [
        migrations.AddField(
            model_name='billimport',
            name='charges_removed_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.RunPython(went_with_the_rows, migrations.RunPython.noop),
    ]
