"""The abstract models of a journal: a stream, and its entries."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.core import checks
from django.db import models
from django.utils.translation import gettext_lazy as _

MAX_NAME_CHARS = 64
MAX_ID_CHARS = 64


class Stream(models.Model):
    """A named sequence of entries, with the number of its newest one.

    Subclass it, with fields of your own or without. A stream without a row is empty: the first entry makes the row.
    """

    name = models.CharField(_("name"), max_length=MAX_NAME_CHARS, unique=True)
    head = models.BigIntegerField(_("newest number"), default=0)
    # The highest number that ``Journal.prune`` has deleted.
    pruned_to = models.BigIntegerField(_("deleted up to number"), default=0)
    # When the newest entry was stored. Without an index, which every commit would have to write.
    active_at = models.DateTimeField(_("last entry at"), null=True, editable=False)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Draft:
    """An entry that is not stored yet.

    ``stream`` is the stream's name and ``id`` the client's: at most 64 characters each, the id unique in the stream.
    ``fields`` are the values of the fields that the app has added to Entry; those that are left out get their default.
    """

    stream: str
    id: str
    fields: Mapping[str, Any] = field(default_factory=dict)


class Entry(models.Model):
    """One entry of a stream. The numbers of a stream are 1, 2, 3 … without gap or repeat.

    Subclass it with one foreign key to your Stream, ``constraints = entry_constraints("<that key>")`` in ``Meta``, and
    the fields of your own; `manage.py check` says what is missing. Store entries by ``Journal.append`` only: it numbers
    them, and sends neither ``pre_save`` nor ``post_save``.

    An entry that a Journal returns has two attributes more: ``stream_name``, and ``is_new``, which is True where the
    call has stored it, and False where it was there before.
    """

    seq = models.BigIntegerField(_("number"))
    # Made by the client, so that an entry that is sent again is stored once.
    client_id = models.CharField(_("client’s ID"), max_length=MAX_ID_CHARS)
    # The time of the commit.
    sent_at = models.DateTimeField(_("sent at"))

    stream_name = ""
    is_new = False

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{getattr(self, stream_key(type(self)).attname)}:{self.seq}"

    @property
    def is_changed(self) -> bool:
        """Whether it differs from what was published with its number. Override it where you use ``Journal.change``."""
        return False

    def is_of(self, draft: Draft) -> bool:
        """Whether it is the draft's entry, and not another that was stored under the same id before.

        Override it where entries change, or where the server adds what may be another when the sender sends again,
        such as the sender's name.
        """
        return all(getattr(self, name) == value for name, value in draft.fields.items())

    @classmethod
    def check(cls, **options: Any) -> list[checks.CheckMessage]:
        """Extend Django's checks of the model by those of an entry."""
        errors = super().check(**options)
        try:
            key = stream_key(cls)
        except TypeError as error:
            return [*errors, checks.Error(str(error), obj=cls, id="channels_live.E001")]
        if {key.name, "client_id"} not in _unique_fields(cls):
            errors.append(checks.Error(f"{cls.__name__}: {_ADVICE}", obj=cls, id="channels_live.E002"))
        for column in cls._meta.local_concrete_fields:
            if column.has_db_default() and not column.has_default():
                message = f"{cls.__name__}.{column.name}: give it a default beside its db_default."
                hint = "A new entry is published as it was inserted, without what the database has chosen."
                errors.append(checks.Error(message, hint=hint, obj=cls, id="channels_live.E003"))
        return errors


_ADVICE = 'expected one foreign key to a subclass of Stream, and Meta.constraints = entry_constraints("<its name>").'


def entry_constraints(stream: str, prefix: str = "%(app_label)s_%(class)s") -> list[models.BaseConstraint]:
    """Return the constraints that an Entry needs: its number, and the client's id, are unique in the stream.

    ``stream`` is the name of the foreign key to the stream. Both indexes begin with it, so the key itself needs none:
    give it ``db_index=False``. The names of the constraints begin with ``prefix``.
    """
    return [
        models.UniqueConstraint(fields=[stream, "seq"], name=f"{prefix}_{stream}_seq"),
        models.UniqueConstraint(fields=[stream, "client_id"], name=f"{prefix}_{stream}_client_id"),
    ]


def stream_key(model: type[Entry]) -> models.ForeignKey[Any, Any]:
    """Return the foreign key from an entry to its stream: the one whose entries have unique numbers.

    Raises TypeError where there is none, or more than one. Call it once Django's models are loaded.
    """
    numbered = _unique_fields(model)
    keys = [
        key
        for key in model._meta.local_concrete_fields
        if isinstance(key, models.ForeignKey)
        and issubclass(key.related_model, Stream)
        and {key.name, "seq"} in numbered
    ]
    if len(keys) != 1:
        raise TypeError(f"{model.__name__}: {_ADVICE}")
    return keys[0]


def _unique_fields(model: type[Entry]) -> list[set[str]]:
    return [
        set(constraint.fields)
        for constraint in model._meta.constraints
        if isinstance(constraint, models.UniqueConstraint) and constraint.condition is None
    ]
