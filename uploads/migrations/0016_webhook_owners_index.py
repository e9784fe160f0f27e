from django.db import migrations, models

from uploads.migrations import LABEL
from uploads.models.operations import AddIndexConcurrently


class Migration(migrations.Migration):
    # CREATE INDEX CONCURRENTLY does not work in a transaction. A run that was broken off may be repeated.
    atomic = False

    dependencies = [
        (LABEL, '0015_webhook_owners'),
    ]

    operations = [
        AddIndexConcurrently(
            model_name='webhookdelivery',
            index=models.Index(fields=['owner'], name='uploads_webhooks_owner'),
        ),
    ]
