"""Addresses of commitments, under /commitments/."""

from django.urls import path

from ri import views

app_name = "ri"
urlpatterns = [
    path("", views.commitments, name="commitments"),
    path("pool/", views.pool_page, name="pool"),
    path("prices/", views.price_books, name="price_books"),
    path("prices/<slug:book_name>/", views.price_book, name="price_book"),
    path("prices/<slug:book_name>/file/", views.price_file, name="price_file"),
    path("prices/<slug:book_name>/remove/", views.price_book_remove, name="price_book_remove"),
    path("recommend/", views.run, name="run"),
]
