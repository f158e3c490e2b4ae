"""Where the views are."""

from django.urls import path

from webshop import views

urlpatterns = [path("domains/", views.domains), path("domains/<int:pk>/", views.domain)]
