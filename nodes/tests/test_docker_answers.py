"""What is read out of the Docker daemon's answers and out of the gateway's own surroundings."""

import pytest

from nodes.discovery.daemon import _reason, own_container_candidates
from nodes.discovery.docker import _address, _shared, canonical_name

OWN = "4f5c2a8d1e6b7390c1d2e3f4a5b6c7d8e9f00112233445566778899aabbccdde"
OTHER = "00" * 32


@pytest.mark.parametrize(
    ("name", "canonical"),
    [
        ("amazin-object-storage-node-1", "amazin-object-storage-node-1"),
        ("0123456789ab_amazin-object-storage-node-1", "amazin-object-storage-node-1"),
        ("0123456789ab_fedcba987654_node-1", "fedcba987654_node-1"),
        ("0123456789AB_node-1", "0123456789AB_node-1"),
        ("0123456789a_node-1", "0123456789a_node-1"),
        ("0123456789abc_node-1", "0123456789abc_node-1"),
        ("0123456789ab_", "0123456789ab_"),
        ("0123456789ab-node-1", "0123456789ab-node-1"),
        ("x0123456789ab_node-1", "x0123456789ab_node-1"),
        ("stack_node.12.zx0ncn7rl5v5zv5yqg8sbyxbj", "stack_node.12"),
        ("stack_node.12.zx0ncn7rl5v5zv5yqg8sbyxb", "stack_node.12.zx0ncn7rl5v5zv5yqg8sbyxb"),
        (
            "stack_node.8bx3vuk5lg5h5rs5ypyv9xk9f.zx0ncn7rl5v5zv5yqg8sbyxbj",
            "stack_node.8bx3vuk5lg5h5rs5ypyv9xk9f",
        ),
        ("node-1.zx0ncn7rl5v5zv5yqg8sbyxbj", "node-1.zx0ncn7rl5v5zv5yqg8sbyxbj"),
    ],
)
def test_the_name_without_what_compose_and_swarm_add(name: str, canonical: str) -> None:
    assert canonical_name(name) == canonical


CGROUP_V1 = f"""\
1188 1005 0:60 / / rw,relatime master:404 - overlay overlay rw,lowerdir=/var/lib/docker/overlay2/l
1190 1188 0:63 / /dev rw,nosuid - tmpfs tmpfs rw,size=65536k,mode=755
1193 1192 0:33 /docker/{OTHER} /sys/fs/cgroup/systemd ro,nosuid master:11 - cgroup cgroup rw
1199 1188 8:1 /var/lib/docker/containers/{OWN}/resolv.conf /etc/resolv.conf rw - ext4 /dev/sda1 rw
1200 1188 8:1 /var/lib/docker/containers/{OWN}/hostname /etc/hostname rw - ext4 /dev/sda1 rw
1201 1188 8:1 /var/lib/docker/containers/{OWN}/hosts /etc/hosts rw,relatime - ext4 /dev/sda1 rw
"""
CGROUP_V2 = f"""\
705 704 0:29 / /sys/fs/cgroup ro,nosuid,nodev,noexec - cgroup2 cgroup rw,nsdelegate
710 700 254:1 /docker/containers/{OWN}/hostname /etc/hostname rw,relatime - ext4 /dev/vda1 rw
"""
PODMAN = f"""\
958 940 0:48 /containers/overlay-containers/{OWN}/userdata/hostname /etc/hostname rw - tmpfs t rw
959 940 0:48 /containers/overlay-containers/{OWN}/userdata/hosts /etc/hosts rw - tmpfs tmpfs rw
"""
HOST = f"""\
22 28 0:21 / /sys rw,nosuid,nodev,noexec,relatime shared:7 - sysfs sysfs rw
28 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
301 28 0:45 / /var/lib/docker/overlay2/{OTHER}/merged rw,relatime shared:157 - overlay overlay rw
302 28 0:49 / /var/lib/docker/containers/{OTHER}/mounts/shm rw,nosuid shared:160 - tmpfs shm rw
"""


@pytest.mark.parametrize("mountinfo", [CGROUP_V1, CGROUP_V2, PODMAN])
def test_in_a_container_its_id_comes_first_and_once(mountinfo: str) -> None:
    assert own_container_candidates(mountinfo, "gateway") == [OWN, "gateway"]


@pytest.mark.parametrize("mountinfo", [HOST, ""])
def test_elsewhere_there_is_the_host_name_only(mountinfo: str) -> None:
    assert own_container_candidates(mountinfo, "0123456789ab") == ["0123456789ab"]


def network(number: str = "", address: str = "", address6: str = "") -> dict[str, str]:
    return {"NetworkID": number, "IPAddress": address, "GlobalIPv6Address": address6}


def test_on_a_host_all_networks_count() -> None:
    theirs = {"a": network("1"), "b": network("2")}
    assert _shared(theirs, None) == theirs


def test_in_a_container_the_shared_networks_count_by_id() -> None:
    theirs = {"a": network("1"), "b": network("2"), "default": network("3")}
    own = {"b": network("2"), "c": network("1"), "default": network("4")}
    assert _shared(theirs, own) == {"a": network("1"), "b": network("2")}


def test_a_network_without_an_id_yet_counts_by_name() -> None:
    theirs = {"a": network(), "b": network()}
    assert _shared(theirs, {"b": network("2")}) == {"b": network()}


def test_networks_without_ids_do_not_match_each_other() -> None:
    assert _shared({"a": network("1")}, {"b": network()}) == {}
    assert _shared({"a": network("1")}, {}) == {}


@pytest.mark.parametrize(
    ("networks", "address"),
    [
        ({}, None),
        ({"a": network("1")}, None),
        ({"b": network("1", "192.0.2.2"), "a": network("2", "192.0.2.1")}, "192.0.2.1"),
        ({"a": network("1"), "b": network("2", "192.0.2.2")}, "192.0.2.2"),
        ({"a": network("1", "", "2001:db8::1"), "b": network("2", "192.0.2.2")}, "192.0.2.2"),
        ({"a": network("1", "", "2001:db8::1")}, "2001:db8::1"),
    ],
)
def test_the_address(networks: dict[str, dict[str, str]], address: str | None) -> None:
    assert _address(networks) == address


def test_a_reason_is_the_innermost_cause_in_one_line() -> None:
    wrapped = RuntimeError("wrapped")
    wrapped.__cause__ = ValueError("wrapped as well")
    wrapped.__cause__.__context__ = FileNotFoundError(2, "No such file\nor directory")
    assert _reason(wrapped) == "[Errno 2] No such file or directory"
    assert _reason(KeyError()) == "KeyError"
    assert len(_reason(ValueError("x" * 1000))) == 300
