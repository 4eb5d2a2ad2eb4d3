from django.urls import path

from accounts import api

app_name = "accounts_api"
urlpatterns = [path("tickets", api.ticket, name="ticket")]
