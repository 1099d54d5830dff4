from django.db import migrations

COLUMNS = ('billed_cost', 'effective_cost', 'list_cost', 'contracted_cost', 'unblended_cost')


def keep_totals(apps, schema_editor):
    """Totals of the imports whose rollups are still there."""
    quote = schema_editor.connection.ops.quote_name
    names = [quote(apps.get_model('costs', name)._meta.db_table) for name in ('VersionTotal', 'DailyCost', 'CostSlice')]
    into, days, slices = names
    sums = ', '.join(f'SUM(d.{column})' for column in COLUMNS)
    schema_editor.execute(
        f"INSERT INTO {into} (bill_import_id, service_name, sub_account_id, {', '.join(COLUMNS)})"
        f" SELECT d.bill_import_id, s.service_name, s.sub_account_id, {sums}"
        f" FROM {days} d JOIN {slices} s ON s.key = d.slice_id"
        " GROUP BY d.bill_import_id, s.service_name, s.sub_account_id"
    )


class Migration(migrations.Migration):

    dependencies = [
        ('costs', '0008_version_totals'),
    ]

    operations = [
        migrations.RunPython(keep_totals, migrations.RunPython.noop),
    ]
