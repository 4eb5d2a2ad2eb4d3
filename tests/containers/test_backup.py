"""``make backup`` and ``make restore``."""

import asyncio
import subprocess
from pathlib import Path

from tests.containers.project import ROOT, Project
from tests.support.client import Client

MODEL = "from accounts.models import User; "


def make(project: Project, target: str, file: Path) -> subprocess.CompletedProcess[str]:
    command = ["make", "--no-print-directory", target, f"FILE={file}"]
    return subprocess.run(command, cwd=ROOT, env=project.environment, capture_output=True, text=True, check=False)


def shell(project: Project, code: str) -> str:
    return project.execute(project.ids("web")[0], "python", "manage.py", "shell", "-c", MODEL + code)


def has_account(project: Project, name: str) -> bool:
    return "found: True" in shell(project, f"print('found:', User.objects.filter(username='{name}').exists())")


def test_restore_replaces_the_database_by_the_dump(project: Project, tmp_path: Path) -> None:
    dump = tmp_path / "dump.sql.gz"
    shell(project, "User.objects.create(username='before')")
    assert make(project, "backup", dump).returncode == 0
    # The dump contains sessions and messages.
    assert dump.stat().st_mode & 0o077 == 0
    shell(project, "User.objects.filter(username='before').delete(); User.objects.create(username='after')")
    for _ in range(2):
        result = make(project, "restore", dump)
        assert result.returncode == 0, result.stderr
        assert has_account(project, "before")
        assert not has_account(project, "after")
    again = tmp_path / "again.sql.gz"
    assert make(project, "backup", again).returncode == 0
    assert make(project, "restore", again).returncode == 0
    assert has_account(project, "before")


async def test_restore_closes_members_with_1012_and_new_messages_are_delivered(
    project: Project, tmp_path: Path
) -> None:
    dump = tmp_path / "dump.sql.gz"
    async with Client(project.url, "restored", "listener") as listener:
        async with Client(project.url, "restored", "speaker") as speaker:
            await listener.wait_for_delivery(await speaker.say("kept"))
            assert (await asyncio.to_thread(make, project, "backup", dump)).returncode == 0
            for number in range(3):
                await listener.wait_for_delivery(await speaker.say(f"lost {number}"))
        result = await asyncio.to_thread(make, project, "restore", dump)
        assert result.returncode == 0, result.stderr
        await listener.wait_for(lambda: listener.resets)
        async with Client(project.url, "restored", "newcomer", after=1) as newcomer:
            for number in range(5):
                said = await newcomer.say(f"new {number}")
                deliveries = [await member.wait_for_delivery(said) for member in (listener, newcomer)]
                assert {delivery.seq for delivery in deliveries} == {2 + number}
        assert set(listener.close_codes) == {1012}


def test_restore_of_an_invalid_dump_fails_and_changes_nothing(project: Project, tmp_path: Path) -> None:
    names = ("whole", "half", "wrong", "cut", "empty")
    whole, half, wrong, cut, empty = (tmp_path / f"{name}.sql.gz" for name in names)
    shell(project, "User.objects.get_or_create(username='kept')")
    assert make(project, "backup", whole).returncode == 0
    half.write_bytes(whole.read_bytes()[:-100])
    subprocess.run(f"{{ gunzip -c {whole}; echo 'SELECT nonsense;'; }} | gzip >{wrong}", shell=True, check=True)
    # The output of a pg_dump that failed early, or at once, in a pipe to gzip. psql reports no error for either.
    subprocess.run(f"gunzip -c {whole} | sed '/^COPY public.accounts_user /q' | gzip >{cut}", shell=True, check=True)
    subprocess.run(f"gzip </dev/null >{empty}", shell=True, check=True)
    for dump in (half, wrong, cut, empty, tmp_path / "missing.sql.gz"):
        result = make(project, "restore", dump)
        assert result.returncode != 0
        assert result.stdout + result.stderr
        assert has_account(project, "kept")


def test_failed_backup_leaves_no_file(tmp_path: Path) -> None:
    dump = tmp_path / "dump.sql.gz"
    assert make(Project(), "backup", dump).returncode != 0
    assert not list(tmp_path.iterdir())
