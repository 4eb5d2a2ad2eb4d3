from django.db import migrations, models

FILL = """
UPDATE chat_room SET active_at = (
    SELECT sent_at FROM chat_message WHERE room_id = chat_room.id ORDER BY seq DESC LIMIT 1
)
"""


class Migration(migrations.Migration):

    dependencies = [
        ("chat", "0001_initial"),
    ]

    operations = [
        migrations.AddField(
            model_name="room",
            name="active_at",
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
    ]
