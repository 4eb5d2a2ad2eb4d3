from typing import Any

from django import forms
from django.contrib.auth import authenticate, login
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.forms import UserCreationForm
from django.contrib.auth.views import RedirectURLMixin
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


class SignUpForm(UserCreationForm):
    class Meta(UserCreationForm.Meta):
        model = User
        fields = ("username",)


@method_decorator(login_not_required, name="dispatch")
class SignUpView(RedirectURLMixin, CreateView):
    """Make an account, log in, and go where the visitor came from."""

    form_class = SignUpForm
    template_name = "registration/signup.html"
    next_page = "home"

    def form_valid(self, form: forms.ModelForm) -> HttpResponse:
        try:
            response = super().form_valid(form)
        except IntegrityError:
            # Somebody else took the name, or one that looks like it, after it was checked.
            form.add_error("username", looks_taken())
            return self.form_invalid(form)
        # By whichever of AUTHENTICATION_BACKENDS lets them in.
        credentials = {"username": form.cleaned_data["username"], "password": form.cleaned_data["password1"]}
        if user := authenticate(self.request, **credentials):
            login(self.request, user)
        return response


class GuestNameForm(forms.Form):
    """The name a guest wants. ``name`` is the one they have."""

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


class GuestNameView(RedirectURLMixin, FormView):
    """Change a guest's name, and go where the visitor came from. Users keep theirs."""

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
