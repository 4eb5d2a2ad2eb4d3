"""Settings of an app, each declared once with its type, default, unit, range and meaning.

An app declares a class and creates one instance of it::

    class PollSettings(AppSettings, dictionary="POLL"):
        VOTE_RATE = Setting(float, 5, "Votes per second and user.", unit="votes per second", minimum=0, maximum=100)

    poll_settings = PollSettings()

``poll_settings.VOTE_RATE`` is the first of these that is set:

1. ``POLL["VOTE_RATE"]`` in Django's settings, a value of the declared type or its text;
2. the environment variable ``VOTE_RATE`` or the contents of the file that ``VOTE_RATE_FILE`` names;
3. the declared default.
"""

import os
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Any, ClassVar, Generic, Self, TypeVar, overload

from django.conf import ENVIRONMENT_VARIABLE
from django.conf import settings as django_settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed
from environs import EnvError

from channels_live.conf.environment import env, split_items

T = TypeVar("T", int, float, bool, str, list[str])

# Case does not matter.
TRUE = {"true", "t", "yes", "y", "on", "1"}
FALSE = {"false", "f", "no", "n", "off", "0"}
NAMES = {
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    str: "a text",
    list[str]: "items separated by commas",
}
SERVICES = ("web", "ws")


class Setting(Generic[T]):
    """The declaration of one setting, as an attribute of a subclass of AppSettings, whose name it takes.

    ``value_type`` is int, float, bool, str or list[str]. ``default`` is a value, or a function that returns it where it
    depends on the machine or on other settings; ``shown_default`` is then the text that documentation shows.
    ``sentence`` says what the setting does. ``minimum`` and ``maximum`` are inclusive and in ``unit``; ``choices`` are
    all values there are. ``parse(name, value)`` normalizes a value that is given, and raises ImproperlyConfigured with
    one sentence where the value is invalid. ``services`` are those that read the setting, of "web" (pages and HTTP API)
    and "ws" (WebSockets). With ``in_environment`` False no environment variable is read:
    the value is the project's code.
    """

    def __init__(
        self,
        value_type: type[T],
        default: T | Callable[[], T],
        sentence: str,
        *,
        unit: str = "",
        minimum: float | None = None,
        maximum: float | None = None,
        choices: tuple[str, ...] = (),
        parse: Callable[[str, T], T] | None = None,
        services: tuple[str, ...] = SERVICES,
        shown_default: str | None = None,
        in_environment: bool = True,
    ) -> None:
        self.value_type: type[T] = value_type
        self.sentence = sentence
        self.unit = unit
        self.minimum = minimum
        self.maximum = maximum
        self.choices = choices
        self.services = services
        self.in_environment = in_environment
        self._default: T | Callable[[], T] = default
        self._parse: Callable[[str, T], T] | None = parse
        self._shown_default = shown_default

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, instance: None, owner: type) -> Self: ...
    @overload
    def __get__(self, instance: "AppSettings", owner: type) -> T: ...
    def __get__(self, instance: "AppSettings | None", owner: type) -> Self | T:
        if instance is None:
            return self
        value: T = instance.read(self.name)
        # The instance attribute takes precedence over this descriptor from now on.
        instance.__dict__[self.name] = value
        return value

    @property
    def default(self) -> T:
        """The value if none is set."""
        default = self._default
        return default() if callable(default) else default

    @property
    def shown_default(self) -> str:
        """The default as one would write it into an environment variable."""
        if self._shown_default is not None:
            return self._shown_default
        default = self.default
        if isinstance(default, bool):
            return str(default).lower()
        if isinstance(default, list):
            return ",".join(default)
        return f"{default:g}" if isinstance(default, float) else str(default)

    @property
    def expected(self) -> str:
        """Describes valid values: "a whole number of seconds from 1 to 300"."""
        if self.choices:
            return f"one of {', '.join(self.choices)}"
        unit = f" of {self.unit}" if self.unit else ""
        return f"{NAMES[self.value_type]}{unit}{self._range}"

    @property
    def _range(self) -> str:
        if self.minimum is None or self.maximum is None:
            return ""
        return f" from {self.minimum:.15g} to {self.maximum:.15g}"

    def value_of(self, given: object, source: str) -> T:
        """Return a given value or text as the declared type.

        Raises ImproperlyConfigured with one sentence, which names the ``source``, where it is invalid.
        """
        try:
            value = _from_text(self.value_type, given) if isinstance(given, str) else _expect(self.value_type, given)
        except ValueError:
            raise self._invalid(given, source) from None
        if self.choices and value not in self.choices:
            raise self._invalid(given, source)
        if not isinstance(value, str | list) and not (
            (self.minimum is None or self.minimum <= value) and (self.maximum is None or value <= self.maximum)
        ):
            raise self._invalid(given, source)
        return self._parse(source, value) if self._parse else value

    def _invalid(self, given: object, source: str) -> ImproperlyConfigured:
        return ImproperlyConfigured(f"{source}: expected {self.expected}, got {given!r}.")


class AppSettings:
    """The settings of one app. The class has the declarations; an instance has their values as attributes.

    A value is read at its first use and kept until Django's ``override_settings`` changes the dictionary. Reading
    raises ImproperlyConfigured with one sentence where the value is invalid. Before Django's settings exist, and where
    ``dictionary`` is empty, only environment and defaults count.
    """

    dictionary: ClassVar[str] = ""

    def __init_subclass__(cls, dictionary: str = "") -> None:
        cls.dictionary = dictionary

    def __init__(self) -> None:
        setting_changed.connect(self._forget)

    @classmethod
    def declared(cls) -> dict[str, Setting[Any]]:
        """Return the declarations by name, in their order."""
        return {name: setting for name, setting in vars(cls).items() if isinstance(setting, Setting)}

    def read(self, name: str, given: Mapping[str, Any] | None = None) -> Any:
        """Return the current value of a setting, without keeping it.

        ``given`` stands for the dictionary in Django's settings. A settings module passes its own, since Django's
        settings do not exist while the module is imported.

        Raises ImproperlyConfigured where the value is invalid, and KeyError where no setting has that name.
        """
        setting = self.declared()[name]
        value = self._value_given(setting, self._given() if given is None else given)
        return setting.default if value is None else value

    def check(self, given: Mapping[str, Any] | None = None) -> None:
        """Check all that is given, in the dictionary and in the environment.

        ``given`` is as in ``read``. Raises ImproperlyConfigured with one sentence for the first invalid or unknown one.
        """
        given = self._given() if given is None else given
        self.check_dictionary(given)
        for setting in self.declared().values():
            # Not the defaults, which may need modules that this service does not have.
            self._value_given(setting, given)

    def check_dictionary(self, given: Mapping[str, Any] | None = None) -> None:
        """Check what Django's settings give: the names in the dictionary and their values, and not the environment.

        ``given`` is as in ``read``. Raises ImproperlyConfigured with one sentence for the first invalid or unknown one.
        """
        given = self._given() if given is None else given
        if not isinstance(given, Mapping):
            raise ImproperlyConfigured(f"{self.dictionary}: expected a dictionary of settings, got {given!r}.")
        declared = self.declared()
        for name in given:
            if name not in declared:
                raise ImproperlyConfigured(f"{self.dictionary}: {_unknown(name, declared)}")
            self._value_given(declared[name], given)

    def _value_given(self, setting: Setting[T], given: Mapping[str, Any]) -> T | None:
        """Return the value in the dictionary or the environment, None where there is none."""
        if setting.name in given:
            return setting.value_of(given[setting.name], f"{self.dictionary}[{setting.name!r}]")
        text = _environment_text(setting.name) if setting.in_environment else None
        # An empty list is none.
        if text is None or (not text and setting.value_type == list[str]):
            return None
        return setting.value_of(text, setting.name)

    def _given(self) -> Mapping[str, Any]:
        if not self.dictionary or not (django_settings.configured or ENVIRONMENT_VARIABLE in os.environ):
            return {}
        given: Mapping[str, Any] = getattr(django_settings, self.dictionary, {})
        return given

    def _forget(self, *, setting: str, **_: object) -> None:
        if setting == self.dictionary:
            self.__dict__.clear()


def _environment_text(name: str) -> str | None:
    try:
        text: str | None = env.str(name, None)
    except (EnvError, ValueError) as error:  # the file of NAME_FILE cannot be read
        raise ImproperlyConfigured(str(error)) from None
    return text


def _from_text(type_: Any, text: str) -> Any:
    """Return what the text of a variable means; raises ValueError."""
    if type_ is bool:
        if text.lower() not in TRUE | FALSE:
            raise ValueError
        return text.lower() in TRUE
    return split_items(text) if type_ == list[str] else type_(text)


def _expect(type_: Any, value: object) -> Any:
    """Return a value that has the type; raises ValueError for any other."""
    if type_ == list[str]:
        if not (isinstance(value, list | tuple) and all(isinstance(item, str) for item in value)):
            raise ValueError
        return list(value)
    if type_ is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    # In Python bool is an int, but True is not a valid number.
    if not isinstance(value, type_) or (isinstance(value, bool) and type_ is not bool):
        raise ValueError
    return value


def _unknown(name: object, declared: Mapping[str, object]) -> str:
    meant = get_close_matches(str(name), declared, n=1)
    return f"{name!r} is not a setting" + (f"; did you mean {meant[0]!r}?" if meant else ".")
