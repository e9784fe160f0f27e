from django.db import migrations, models

from uploads.migrations import LABEL
from uploads.models.operations import AddIndexConcurrently


class Migration(migrations.Migration):
    # CREATE INDEX CONCURRENTLY does not work in a transaction. A run that was broken off may be repeated.
    atomic = False

    dependencies = [
        (LABEL, '0010_counts'),
    ]

    operations = [
        AddIndexConcurrently(
            model_name='upload',
            index=models.Index(fields=['destination', 'state', 'updated_at'], name='uploads_retention'),
        ),
    ]
