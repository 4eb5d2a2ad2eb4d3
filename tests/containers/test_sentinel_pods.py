"""The component redis-sentinel: after the primary's failure, ws uses the new one without a restart."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest
from websockets.asyncio.client import ClientConnection, connect

from tests.containers.kubelet import Kubelet, Pod, needs_root, with_test_images
from tests.containers.project import ROOT, answers, wait_until
from tests.support.engine import docker

COMBINATION = ROOT / "tests/manifests/local-redis-sentinel"
# 6 s were measured: 3 s of detection, the election, the reconnects of ws. A vote without a majority is repeated after
# 20 s, and Sentinels that were delayed by 2 s on a busy machine do nothing for 30 s (redis.io, Sentinel, "TILT mode").
FAILOVER_SECONDS = 90

pytestmark = needs_root


@pytest.fixture
def kubelet(images: None, tmp_path: Path) -> Iterator[Kubelet]:
    kubelet = Kubelet(with_test_images(COMBINATION), tmp_path)
    try:
        yield kubelet
    finally:
        kubelet.stop()


def sentinel(pod: Pod, *command: str) -> str:
    return docker("exec", pod.id("sentinel"), "valkey-cli", "-p", "26379", "--raw", *command, check=False).stdout


def primary_of(pod: Pod) -> str:
    return sentinel(pod, "sentinel", "get-master-addr-by-name", "primary").partition(".")[0]


def has_all(pod: Pod) -> bool:
    return "slaves=2,sentinels=3" in sentinel(pod, "info", "sentinel")


def receives_its_heartbeat(pod: Pod) -> bool:
    with urlopen(f"http://{pod.address}:8000/metrics", timeout=5) as answer:
        return b"\nchannel_layer_up 1.0\n" in answer.read()


async def say(sender: ClientConnection, text: str) -> None:
    await sender.send(json.dumps({"message": text}))


@pytest.mark.timeout(400)
async def test_messages_are_delivered_during_and_after_a_failover_of_the_primary(kubelet: Kubelet) -> None:
    nodes = [kubelet.start("redis", number) for number in range(3)]
    kubelet.start("postgres")
    docker("wait", kubelet.start("migrate").id("migrate"))
    ws = [kubelet.start("ws", number) for number in range(2)]
    for pod in ws:
        wait_until(lambda: answers(f"http://{pod.address}:8000/readyz"), 30)  # noqa: B023
    wait_until(lambda: all(has_all(node) for node in nodes), 60)
    # With the host and origin that nginx would forward, which are allowed.
    address, origin = "ws://localhost/ws/chat/room/", "http://localhost"
    rooms = [connect(address, origin=origin, host=pod.address, port=8000) for pod in ws]  # type: ignore[arg-type]
    async with rooms[0] as sender, rooms[1] as receiver:
        started_at = [pod.state("ws")["StartedAt"] for pod in ws]
        lost = next(node for node in nodes if node.name == primary_of(nodes[0]))
        survivor = next(node for node in nodes if node is not lost)
        for name in ("redis", "sentinel"):
            docker("kill", lost.id(name))

        texts = [f"message {number}" for number in range(20)]
        for text in texts:
            await say(sender, text)
            assert json.loads(await asyncio.wait_for(receiver.recv(), 10)) == {"message": text}
        await asyncio.to_thread(wait_until, lambda: primary_of(survivor) not in ("", lost.name), FAILOVER_SECONDS)
        await asyncio.to_thread(wait_until, lambda: all(receives_its_heartbeat(pod) for pod in ws), FAILOVER_SECONDS)
        assert [pod.state("ws")["StartedAt"] for pod in ws] == started_at

        for name in ("redis", "sentinel"):
            docker("rm", "--force", lost.id(name))
        back = await asyncio.to_thread(kubelet.start, "redis", int(lost.name[-1]))
        await asyncio.to_thread(wait_until, lambda: has_all(back), 60)
        assert primary_of(back) == primary_of(survivor) != lost.name
