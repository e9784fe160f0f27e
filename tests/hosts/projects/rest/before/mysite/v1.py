from django.urls import path
from shop.views import article

urlpatterns = [path("articles/<int:number>/", article, name="upload-list")]
