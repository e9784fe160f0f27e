from django.db import migrations, models

from uploads.migrations import LABEL


class Migration(migrations.Migration):

    dependencies = [
        (LABEL, '0014_webhooks_and_identities'),
    ]

    operations = [
        migrations.AddField(
            model_name='webhookdelivery',
            name='owner',
            field=models.CharField(editable=False, help_text='The id of the user whose upload it was, until it is erased. NULL in rows of earlier versions.', max_length=255, null=True),
        ),
    ]
