"""The four optional keys join policies that exist already. Nothing is required of anybody by that."""

import re

from django.db import migrations

OPTIONAL = (("ExpirationDate", "date"), ("BackupPolicy", "text"), ("Compliance", "text"), ("Application", "text"))


def add_optional_keys(apps, schema_editor):
    """A new installation has no policy yet and gets all of it after migrate."""
    keys = apps.get_model("tagging", "TagKey").objects.using(schema_editor.connection.alias)
    present = list(keys.all())
    if not present:
        return
    known = {_plain(name) for key in present for name in (key.key, *key.key_aliases)}
    position = max(key.position for key in present)
    for name, kind in OPTIONAL:
        if _plain(name) not in known:
            position += 1
            keys.create(key=name, position=position, is_required=False, is_tracked=False, value_kind=kind)


def _plain(name):
    return re.sub(r"[\W_]+", "", name).casefold()


class Migration(migrations.Migration):
    dependencies = [("tagging", "0006_tag_policy_and_compliance")]

    operations = [migrations.RunPython(add_optional_keys, migrations.RunPython.noop)]
