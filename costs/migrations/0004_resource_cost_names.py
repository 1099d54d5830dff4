from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("costs", "0003_rerolled_imports"),
    ]

    operations = [
        migrations.AddField(
            model_name="resourcecost",
            name="name",
            field=models.TextField(blank=True, default=""),
        ),
        migrations.AddField(
            model_name="resourcecost",
            name="resource_type",
            field=models.TextField(blank=True, default=""),
        ),
    ]
