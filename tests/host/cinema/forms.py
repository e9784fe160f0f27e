from cinema.models import Film
from django import forms

from uploads.forms import UploadField, UploadFormMixin


class FilmForm(UploadFormMixin, forms.ModelForm):
    file = UploadField(destination="films")

    class Meta:
        model = Film
        fields = ("title", "file")
