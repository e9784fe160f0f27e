from django.db import migrations, models

from uploads.migrations import LABEL
from uploads.models.operations import AddIndexConcurrently


class Migration(migrations.Migration):
    # CREATE INDEX CONCURRENTLY does not work in a transaction. A run that was broken off may be repeated.
    atomic = False

    dependencies = [
        (LABEL, '0011_retention_index'),
    ]

    operations = [
        AddIndexConcurrently(
            model_name='objectremoval',
            index=models.Index(fields=['-requested_at', '-id'], name='uploads_removals_listed'),
        ),
        AddIndexConcurrently(
            model_name='objectremoval',
            index=models.Index(fields=['reason', '-requested_at'], name='uploads_removals_reason'),
        ),
    ]
