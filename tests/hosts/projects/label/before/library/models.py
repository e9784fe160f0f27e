from django.db import models


class Upload(models.Model):
    """The host's own table of that name, which was there first."""

    title = models.CharField(max_length=100)

    def __str__(self) -> str:
        return self.title
