from django.db import IntegrityError, migrations, transaction

from accounts.usernames import skeleton_digest

BATCH = 500


def fill(apps, schema_editor):
    """Give each user the skeleton of their name; where two names look alike, the older account's, the other has none.

    In batches, so that people can sign up meanwhile. The previous release still makes users without a skeleton;
    accounts.models.User.save sets it when they log in.
    """
    users = apps.get_model("accounts", "User").objects.using(schema_editor.connection.alias)
    last = 0
    while batch := list(users.filter(pk__gt=last).order_by("pk").only("pk", "username", "skeleton")[:BATCH]):
        try:
            with transaction.atomic(using=schema_editor.connection.alias):
                fill_batch(users, batch)
        except IntegrityError:
            # Somebody has just signed up with one of them: the batch is read again.
            continue
        last = batch[-1].pk


def fill_batch(users, batch):
    wanted = {}
    for user in batch:
        if user.skeleton is None:
            wanted.setdefault(skeleton_digest(user.username), user)
    taken = set(users.filter(skeleton__in=wanted).values_list("skeleton", flat=True))
    changed = []
    for skeleton, user in wanted.items():
        if skeleton not in taken:
            user.skeleton = skeleton
            changed.append(user)
    users.bulk_update(changed, ["skeleton"])


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ("accounts", "0004_user_skeleton"),
    ]

    operations = [
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
