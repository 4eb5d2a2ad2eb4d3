from typing import Any

from django import forms
from django.contrib.auth import authenticate, login
from django.contrib.auth import views as auth_views
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.forms import UserCreationForm
from django.db import IntegrityError
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils.decorators import method_decorator
from django.utils.translation import gettext_lazy as _
from django.views.generic import CreateView, FormView

from accounts import guests
from accounts.models import User
from accounts.usernames import looks_taken


class PlainLabelsMixin:
    """Renders the labels of a view's form without a colon."""

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "label_suffix": ""}  # type: ignore[misc]


class LoginView(PlainLabelsMixin, auth_views.LoginView):
    pass


class SignUpForm(UserCreationForm):
    class Meta(UserCreationForm.Meta):
        model = User
        fields = ("username",)


@method_decorator(login_not_required, name="dispatch")
class SignUpView(PlainLabelsMixin, auth_views.RedirectURLMixin, CreateView):
    """Create an account, log in, and return to the page that the visitor came from."""

    form_class = SignUpForm
    template_name = "registration/signup.html"
    next_page = "home"

    def form_valid(self, form: forms.ModelForm) -> HttpResponse:
        try:
            response = super().form_valid(form)
        except IntegrityError:
            # Another sign-up took the name, or one that looks like it, after it was checked.
            form.add_error("username", looks_taken())
            return self.form_invalid(form)
        # By the first of AUTHENTICATION_BACKENDS that accepts them.
        credentials = {"username": form.cleaned_data["username"], "password": form.cleaned_data["password1"]}
        if user := authenticate(self.request, **credentials):
            login(self.request, user)
        return response


class GuestNameForm(forms.Form):
    """The name that a guest chooses. ``name`` is the guest's present one."""

    chosen = forms.CharField(label=_("Your name"), strip=False, max_length=200)

    def __init__(self, *args: Any, name: str, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["chosen"].widget.attrs |= {
            "maxlength": guests.CHOSEN_MAX_CHARS,
            "autocomplete": "nickname",
            "placeholder": name,
        }
        self._name = name

    def clean_chosen(self) -> str:
        return guests.rename(self._name, self.cleaned_data["chosen"])


class GuestNameView(PlainLabelsMixin, auth_views.RedirectURLMixin, FormView):
    """Change a guest's name, and return to the page that the visitor came from. A user is redirected only."""

    form_class = GuestNameForm
    template_name = "registration/guest_name.html"
    next_page = "home"
    request: guests.AuthoredRequest

    def dispatch(self, request: HttpRequest, *args: object, **options: object) -> HttpResponseBase:
        if request.user.is_authenticated:
            return redirect(self.next_page)
        return super().dispatch(request, *args, **options)

    def get_initial(self) -> dict[str, object]:
        return {"chosen": guests.chosen_part(self.request.author)}

    def get_form_kwargs(self) -> dict[str, object]:
        return {**super().get_form_kwargs(), "name": self.request.author}

    def form_valid(self, form: GuestNameForm) -> HttpResponse:
        response = super().form_valid(form)
        guests.remember(response, form.cleaned_data["chosen"])
        return response
