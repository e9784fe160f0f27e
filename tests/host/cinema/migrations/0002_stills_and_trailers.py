import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("cinema", "0001_initial"), ("uploads", "0001_initial")]
    operations = [
        migrations.AddField(
            model_name="film",
            name="stills",
            field=models.ManyToManyField(blank=True, related_name="+", to="uploads.upload"),
        ),
        migrations.CreateModel(
            name="Trailer",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("language", models.CharField(default="en", max_length=20)),
                (
                    "file",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="uploads.upload",
                    ),
                ),
                (
                    "film",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to="cinema.film"),
                ),
            ],
        ),
    ]
