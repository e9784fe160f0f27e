from django.contrib import admin
from labelled.holiday.models import Upload

admin.site.register(Upload)
