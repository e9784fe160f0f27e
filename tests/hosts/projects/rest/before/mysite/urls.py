from django.urls import include

urlpatterns += [path("v1/", include(("mysite.v1", "v1")))]
