from django.contrib.auth.models import User
from django.db import models


class Film(models.Model):
    owner = models.ForeignKey(User, on_delete=models.CASCADE)
    title = models.CharField(max_length=200)
    file = models.ForeignKey("uploads.Upload", on_delete=models.PROTECT, related_name="+")
    stills = models.ManyToManyField("uploads.Upload", blank=True, related_name="+")
    poster = models.FileField(blank=True)

    def __str__(self) -> str:
        return self.title


class Trailer(models.Model):
    film = models.ForeignKey(Film, on_delete=models.CASCADE)
    language = models.CharField(max_length=20, default="en")
    file = models.ForeignKey("uploads.Upload", on_delete=models.PROTECT, related_name="+", null=True, blank=True)

    def __str__(self) -> str:
        return self.language
