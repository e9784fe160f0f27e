"""The object of an upload: where it is, what OSS says of it, and how it is read."""

from io import BufferedReader

from django.db import models
from django.utils.translation import gettext_lazy as _

from uploads.conf import settings
from uploads.connection import oss_client
from uploads.objects import download_url, open_object
from uploads.oss.errors import NotFound
from uploads.oss.limits import MAX_KEY_BYTES


class StoredObject(models.Model):
    """One object at OSS, under the name that its file had."""

    destination: "models.CharField[str, str]"
    """Declared by the model: the name of the destination."""
    bucket = models.CharField(_("bucket"), max_length=63)
    key = models.CharField(_("key"), max_length=MAX_KEY_BYTES)
    filename = models.CharField(_("filename"), max_length=1024)
    etag = models.CharField(_("ETag"), max_length=64, blank=True)
    crc64 = models.CharField(_("CRC64"), max_length=20, blank=True, help_text=_("Unsigned decimal, as OSS writes it."))
    location = models.TextField(_("location"), blank=True)

    class Meta:
        abstract = True

    def url(self, expires: int = 3600, filename: str | None = None) -> str:
        """A presigned URL that downloads the object, valid for `expires` seconds.

        `filename` replaces the upload's own name; with an empty one the browser shows the object if it can.
        """
        return download_url(settings.place_of(self), self.key, expires, self.filename if filename is None else filename)

    def open(self) -> BufferedReader:
        """The object as a file, read range by range. Raises FileNotFoundError if there is no object."""
        try:
            return open_object(oss_client(settings.place_of(self)), self.bucket, self.key)
        except NotFound as error:
            raise FileNotFoundError(self.key) from error
