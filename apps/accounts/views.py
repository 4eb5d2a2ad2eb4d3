from django.contrib.auth import login
from django.contrib.auth.forms import UserCreationForm
from django.contrib.auth.views import RedirectURLMixin
from django.forms import ModelForm
from django.http import HttpResponse
from django.views.generic import CreateView

from accounts.models import User


class SignUpForm(UserCreationForm):
    class Meta(UserCreationForm.Meta):
        model = User
        fields = ("username",)


class SignUpView(RedirectURLMixin, CreateView):
    """Make an account, log in, and go where the visitor came from."""

    form_class = SignUpForm
    template_name = "registration/signup.html"
    next_page = "home"

    def form_valid(self, form: ModelForm) -> HttpResponse:
        response = super().form_valid(form)
        login(self.request, self.object)
        return response
