"""Properties of the model of ``make capacity``."""

import dataclasses
import random
import subprocess
import sys

import pytest

from channels_live.hub import gossip, presence
from deploy.capacity import model, unit_costs
from deploy.capacity.model import (
    DoesNotFit,
    Limits,
    Load,
    plan,
    processes_with_members,
    redis_megabits,
    traffic,
    ws_cores,
)
from deploy.capacity.unit_costs import ROOT, UnitCosts

COSTS = UnitCosts(
    delivery=10,
    event=100,
    message=1000,
    announcement=50,
    topic=10,
    at_rest=5000,
    ping=30,
    handshake=400,
    redis_publication=50,
    redis_push=5,
    redis_at_rest=2000,
    nginx_frame=15,
    postgres_message=500,
    postgres_topic=1,
    postgres_at_rest=2000,
    process_memory=80_000,
    connection_memory=3,
    topic_memory=5,
    nginx_memory=25,
)
FREE = UnitCosts(**{field.name: 0.0 for field in dataclasses.fields(UnitCosts)})
SMALL = Load(connections=100, room=10, rate=0.1)


def cores(load: Load, processes: int) -> float:
    return sum(ws_cores(traffic(load, processes), COSTS).values())


@pytest.mark.parametrize(("members", "processes"), [(1, 1), (1, 50), (10, 1), (2, 2), (20, 7), (1000, 30), (5, 300)])
def test_processes_with_members_is_the_mean_of_random_placement(members, processes):
    chance = random.Random(7)
    thrown = [len({chance.randrange(processes) for _ in range(members)}) for _ in range(4000)]
    assert processes_with_members(members, processes) == pytest.approx(sum(thrown) / 4000, rel=0.02)


def test_traffic_counts_each_event_once_per_process_with_members():
    load, processes, seconds = Load(connections=600, room=6, rate=2), 5, 200
    chance = random.Random(7)
    rooms = [{chance.randrange(processes) for _ in range(load.room)} for _ in range(100)]
    pushes = sum(len(rooms[chance.randrange(100)]) for _ in range(round(100 * load.rate * seconds)))
    now = traffic(load, processes)
    assert now.messages == 200
    assert now.deliveries == 200 * 6
    assert now.event_pushes == pytest.approx(pushes / seconds, rel=0.03)


def test_traffic_of_a_single_process_has_no_events_of_others():
    now = traffic(Load(connections=50, room=5, rate=1), 1)
    assert now.event_pushes == now.messages
    assert ws_cores(now, COSTS)["events"] == 0


def test_traffic_without_lifetime_has_no_handshakes():
    now = traffic(Load(lifetime=0), 4)
    assert now.handshakes == 0
    assert now.presence_deliveries == 0
    assert now.announcements == pytest.approx(now.topics / 10)


def test_model_has_the_constants_of_the_code():
    assert (model.REPEAT_SECONDS, model.REPEATS_PER_SECOND) == (gossip.REPEAT_SECONDS, gossip.REPEATS_PER_SECOND)
    assert (model.CHANGE_SECONDS, model.TOLD_PER_SECOND) == (gossip.CHANGE_SECONDS, presence.TOLD_PER_SECOND)
    assert model.REPORT_SECONDS == gossip.REPEAT_SECONDS


def test_plan_of_a_small_load_has_one_process_of_each():
    assert [tier.count for tier in plan(SMALL, Limits(), COSTS).tiers.values()] == [1, 1, 1, 1]


@pytest.mark.parametrize("field", ["connections", "rate", "room", "text_bytes"])
def test_plan_of_a_larger_load_never_needs_less(field):
    load = Load(connections=3000, room=30, rate=0.5)
    before = plan(load, Limits(), COSTS)
    for factor in (2, 4, 8):
        after = plan(dataclasses.replace(load, **{field: int(getattr(load, field) * factor)}), Limits(), COSTS)
        if field != "room":  # larger rooms are fewer
            assert after.ws.cores >= before.ws.cores
            assert after.redis.needs["bandwidth"] >= before.redis.needs["bandwidth"]
        assert after.traffic.deliveries >= before.traffic.deliveries
        before = after


@pytest.mark.parametrize("processes", [1, 3, 10, 100])
def test_ws_cores_never_decrease_with_more_processes(processes):
    assert cores(Load(), processes + 1) >= cores(Load(), processes)


def test_plan_has_the_fewest_processes():
    load, limits = Load(connections=50_000, room=20, rate=1), Limits()
    found = plan(load, limits, COSTS).ws.count
    assert cores(load, found) <= found * limits.utilisation
    assert cores(load, found - 1) > (found - 1) * limits.utilisation


@pytest.mark.parametrize(
    ("costs", "limits", "tier", "limit"),
    [
        ({"delivery": 1e4}, {}, "ws", "CPU"),
        ({}, {"descriptors": 1000}, "ws", "descriptors"),
        ({}, {"descriptors": 10**6}, "ws", "ephemeral ports"),
        ({}, {"descriptors": 10**6, "addresses": 100}, "ws", "memory"),
        ({}, {}, "nginx", "worker connections"),
        ({"nginx_frame": 1e5}, {}, "nginx", "CPU"),
        ({"redis_push": 1e5}, {}, "redis", "CPU"),
        ({}, {"bandwidth": 0.001}, "redis", "bandwidth"),
    ],
)
def test_tier_names_the_limit_that_decides(costs, limits, tier, limit):
    memory = {"process_memory": 1.0, "connection_memory": 3.0}
    needed = plan(Load(connections=40_000), Limits(**limits), dataclasses.replace(FREE, **memory, **costs))
    assert needed.tiers[tier].limited_by == limit


def test_redis_sends_each_text_twice_per_process_with_members():
    short, long = (Load(connections=100, room=100, rate=1, text_bytes=size, lifetime=0) for size in (100, 1100))
    more = redis_megabits(long, traffic(long, 4)) - redis_megabits(short, traffic(short, 4))
    assert more == pytest.approx(4 * 2 * 1000 * 8 / 1e6)


@pytest.mark.parametrize(
    ("load", "limits", "used_up"),
    [
        (Load(connections=1000, room=1000, rate=20_000, lifetime=0), {}, "Redis, shard of one room"),
        (SMALL, {"postgres_connections": 1}, "PostgreSQL, connections"),
    ],
)
def test_plan_names_the_undivided_resource_that_exceeds_its_limit(load, limits, used_up):
    needed = plan(load, Limits(**limits), dataclasses.replace(FREE, redis_publication=50.0))
    assert not needed.fits
    assert needed.binds_first == used_up


def test_plan_raises_where_more_processes_do_not_help():
    with pytest.raises(DoesNotFit, match="presence"):
        plan(Load(connections=10**6, room=10**6), Limits(), dataclasses.replace(FREE, delivery=1000.0))


def test_performance_page_has_all_unit_costs():
    figures = unit_costs.from_page(unit_costs.PAGE.read_text())
    assert unit_costs.from_figures(figures).delivery > 0


def test_costs_are_medians_and_never_negative():
    runs = [{"ws, µs per delivery": value, "ws, µs per event": -1.0} for value in (9.0, 30.0, 10.0)]
    measured = unit_costs.from_results({"runs": {"unit costs": {"ours": runs}, "fan-out": {"bun": [{}]}}})
    assert measured == {"unit costs": {"ws, µs per delivery": 10.0, "ws, µs per event": -1.0}}
    page = unit_costs.from_page(unit_costs.PAGE.read_text())
    costs = unit_costs.from_figures({**page, "unit costs": {**page["unit costs"], **measured["unit costs"]}})
    assert (costs.delivery, costs.event) == (10.0, 0.0)


def capacity(**variables: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "deploy.capacity"]
    return subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True, check=False)


def test_command_prints_the_plan():
    result = capacity(CONNECTIONS="20000", ROOM="10", RATE="0.1")
    assert "20,000 connections in 2,000 rooms of 10" in result.stdout
    assert "Costs: " in result.stdout
    assert [line.split()[0] for line in result.stdout.splitlines() if line.startswith(("ws ", "nginx", "redis"))]


@pytest.mark.parametrize("given", [{"RATE": "often"}, {"ROOM": "0"}, {"RATE": "nan"}, {"CONNECTIONS": "1.5"}])
def test_command_refuses_an_invalid_value_in_one_line(given):
    ((name, value),) = given.items()
    result = capacity(**given)
    assert result.returncode == 1
    assert result.stderr.count("\n") == 1
    assert result.stderr.startswith(f"{name}: expected a ")
    assert repr(value) in result.stderr


def test_command_refuses_more_members_per_room_than_connections():
    assert "ROOM: 20 members are more than 10 CONNECTIONS." in capacity(CONNECTIONS="10").stderr
