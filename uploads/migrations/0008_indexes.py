import uploads.domain.states
from django.db import migrations, models

from uploads.migrations import LABEL
from uploads.models.indexes import PrefixIndex
from uploads.models.operations import AddIndexConcurrently, BuildIndex, BuildUnique


class Migration(migrations.Migration):
    # CREATE INDEX CONCURRENTLY does not work in a transaction. A run that was broken off may be repeated.
    atomic = False

    dependencies = [
        (LABEL, '0007_staging'),
    ]

    operations = [
        # What the migrations before planned, or built in an earlier version.
        BuildIndex(
            model_name='upload',
            index=models.Index(fields=['-created_at', '-id'], name='uploads_newest'),
        ),
        BuildIndex(
            model_name='upload',
            index=models.Index(condition=models.Q(('upload_id', ''), _negated=True), fields=['upload_id'], name='uploads_at_oss'),
        ),
        BuildIndex(
            model_name='upload',
            index=models.Index(condition=models.Q(('released_at', None), ('state__in', [uploads.domain.states.State['ABORTED'], uploads.domain.states.State['FAILED']])), fields=['updated_at'], name='uploads_unreleased'),
        ),
        BuildUnique(
            model_name='upload',
            constraint=models.UniqueConstraint(condition=models.Q(('idempotency_key', ''), _negated=True), fields=('owner', 'idempotency_key'), name='uploads_begun_once'),
        ),
        BuildIndex(
            model_name='upload',
            index=models.Index(condition=models.Q(('look_again_at__isnull', False)), fields=['look_again_at'], name='uploads_to_look_at_again'),
        ),
        BuildIndex(
            model_name='upload',
            index=models.Index(condition=models.Q(('credentials_until__isnull', False)), fields=['credentials_until'], name='uploads_credentials'),
        ),
        BuildIndex(
            model_name='upload',
            index=models.Index(condition=models.Q(models.Q(('staging_key', ''), _negated=True), ('staging_removed_at', None)), fields=['updated_at'], name='uploads_staged'),
        ),
        # New.
        AddIndexConcurrently(
            model_name='upload',
            index=models.Index(fields=['state', '-created_at', '-id'], name='uploads_of_state'),
        ),
        AddIndexConcurrently(
            model_name='upload',
            index=models.Index(fields=['destination', '-created_at', '-id'], name='uploads_of_destination'),
        ),
        AddIndexConcurrently(
            model_name='upload',
            index=PrefixIndex(fields=['filename'], name='uploads_filename'),
        ),
        AddIndexConcurrently(
            model_name='upload',
            index=PrefixIndex(fields=['key'], name='uploads_key'),
        ),
        AddIndexConcurrently(
            model_name='upload',
            index=models.Index(condition=models.Q(('state__in', [uploads.domain.states.State['UPLOADING'], uploads.domain.states.State['COMPLETING']])), fields=['updated_at'], name='uploads_idle'),
        ),
        AddIndexConcurrently(
            model_name='upload',
            index=models.Index(condition=models.Q(('copy_id', ''), _negated=True), fields=['copy_id'], name='uploads_copying'),
        ),
    ]
