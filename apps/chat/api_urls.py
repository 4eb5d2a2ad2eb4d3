from django.urls import path

from chat import api

app_name = "chat_api"
urlpatterns = [
    # Not the converter of room names: its 404 would be a page.
    path("rooms/<str:room>/messages", api.messages, name="messages"),
]
