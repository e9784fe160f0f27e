from django.db import models


class Upload(models.Model):
    """The project's own, with the same name."""

    title = models.CharField(max_length=100)
    file = models.ForeignKey("oss_uploads.Upload", on_delete=models.PROTECT, related_name="+")

    def __str__(self) -> str:
        return self.title
