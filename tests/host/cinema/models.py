from django.contrib.auth.models import User
from django.db import models


class Film(models.Model):
    owner = models.ForeignKey(User, on_delete=models.CASCADE)
    title = models.CharField(max_length=200)
    file = models.ForeignKey("uploads.Upload", on_delete=models.PROTECT, related_name="+")
    poster = models.FileField(blank=True)

    def __str__(self) -> str:
        return self.title
