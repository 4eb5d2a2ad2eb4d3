from django.contrib.auth.views import LogoutView
from django.urls import path

from accounts.views import GuestNameView, LoginView, SignUpView

urlpatterns = [
    path("login/", LoginView.as_view(), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("name/", GuestNameView.as_view(), name="guest_name"),
    path("signup/", SignUpView.as_view(), name="signup"),
]
