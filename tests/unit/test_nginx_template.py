"""What directives.sh makes of lists."""

from pathlib import Path

import pytest

from deploy.local.nginx import WrongSetting, render


def rendered(folder: Path, **environment: str) -> str:
    target = folder / "nginx.conf"
    render(
        target,
        {"NGINX_LISTEN": "8080", "WEB_SERVERS": "127.0.0.1:8001", "WS_SERVERS": "127.0.0.1:8002", **environment},
    )
    return target.read_text()


def test_addresses_are_fixed_and_names_are_looked_up_again(tmp_path):
    text = rendered(tmp_path, WEB_SERVERS="127.0.0.1:8001 10.0.0.1:8002", WS_SERVERS="ws:8000")
    assert "server 127.0.0.1:8001 max_fails" in text
    assert "server 10.0.0.1:8002 max_fails" in text
    assert "server ws:8000 resolve max_fails" in text


def test_a_short_name_in_kubernetes_is_a_service_of_the_own_namespace(tmp_path):
    resolv_conf = tmp_path / "resolv.conf"
    resolv_conf.write_text("search chat.svc.cluster.local svc.cluster.local cluster.local\nnameserver 10.96.0.10\n")
    pod = {"KUBERNETES_SERVICE_HOST": "10.96.0.1", "RESOLV_CONF": str(resolv_conf), "NGINX_RESOLVER": ""}
    servers = {"WEB_SERVERS": "web:8000 web.other.svc.cluster.local:8000", "WS_SERVERS": "10.0.0.1:8000 ws:8000"}
    text = rendered(tmp_path, **pod, **servers)
    assert "resolver 10.96.0.10 valid" in text
    assert "server web.chat.svc.cluster.local:8000 resolve" in text
    assert "server web.other.svc.cluster.local:8000 resolve" in text
    assert "server 10.0.0.1:8000 max_fails" in text
    assert "server ws.chat.svc.cluster.local:8000 resolve" in text


def test_a_short_name_elsewhere_stays_as_it_is(tmp_path):
    resolv_conf = tmp_path / "resolv.conf"
    resolv_conf.write_text("search lan\nnameserver 127.0.0.11\n")
    text = rendered(tmp_path, RESOLV_CONF=str(resolv_conf), WS_SERVERS="ws:8000")
    assert "server ws:8000 resolve" in text


def test_each_trusted_proxy_is_believed_for_address_and_scheme(tmp_path):
    text = rendered(tmp_path, TRUSTED_PROXIES="10.0.0.0/8 fd00::/8")
    for network in ("10.0.0.0/8", "fd00::/8"):
        assert f"set_real_ip_from {network};" in text
        assert f"{network} 1;" in text


@pytest.mark.parametrize(
    "value",
    ["10.0.0.1,10.1.0.0/16", "10.0.0.1, 10.1.0.0/16", "10.0.0.1 10.1.0.0/16", " 10.0.0.1 ,\n10.1.0.0/16,"],
    ids=["commas", "commas and blanks", "blanks", "lines"],
)
def test_items_of_a_list_are_separated_by_commas_or_blanks(tmp_path, value):
    text = rendered(tmp_path, TRUSTED_PROXIES=value, ALLOWED_HOSTS=value.replace("/16", ""))
    assert "set_real_ip_from 10.0.0.1; set_real_ip_from 10.1.0.0/16;" in text
    assert "server_name 10.0.0.1 10.1.0.0;" in " ".join(text.split())


@pytest.mark.parametrize("value", ["::1", "[::1]", "fd00::/8", "::", "1:2:3:4:5:6:7:8/128", "1:2:3:4:5:6:7::"])
def test_a_trusted_proxy_may_be_an_ipv6_address(tmp_path, value):
    assert f"set_real_ip_from {value.strip('[]')};" in rendered(tmp_path, TRUSTED_PROXIES=value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(
            ("TRUSTED_PROXIES", value)
            for value in (
                "*",
                "localhost",
                "10.0.0.0/33",
                "10.0.0",
                "10.0.0.256",
                "10.0.0.1;",
                "10.0.0.0/8/8",
                "::/129",
            )
        ),
        *(("PATH_PREFIX", value) for value in ("team", "/a b", "/a//b", "/$a", "/a;")),
        *(("TRUSTED_PROXIES", value) for value in ("1::2::3", ":::1", "1:2:3", "12345::", "1:2:3:4:5:6:7:8:9", ":1")),
        *(
            ("ALLOWED_HOSTS", value)
            for value in (
                "https://a.example",
                "a.example:8443",
                "*.a.example",
                "a.example/",
                "a.example;b.example",
                ".",
            )
        ),
    ],
)
def test_an_item_that_a_list_cannot_have_is_one_sentence(tmp_path, monkeypatch, name, value):
    # A * is no pattern of file names.
    monkeypatch.chdir(tmp_path)
    with pytest.raises(WrongSetting) as wrong:
        rendered(tmp_path, **{name: value if name == "PATH_PREFIX" else f"10.0.0.1,{value}"})
    assert str(wrong.value).startswith(f"Wrong configuration: {name}: expected ")
    assert str(wrong.value).endswith(f", not {value}.")


def test_nobody_is_trusted_by_default(tmp_path):
    assert "set_real_ip_from" not in rendered(tmp_path)


def test_no_name_is_left_over(tmp_path):
    code = "\n".join(line for line in rendered(tmp_path).splitlines() if not line.lstrip().startswith("#"))
    assert "${" not in code


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ALLOWED_HOSTS", "chat.example.com;include /etc/passwd"),
        ("ALLOWED_HOSTS", "https://chat.example.com"),
        ("HANDSHAKE_RATE", "many"),
        ("MAX_SOCKETS_PER_ADDRESS", "-1"),
        ("MAX_BODY_KIB", "1;"),
        ("REQUEST_RATE", "1.5"),
        ("CLIENT_TIMEOUT", "0"),
        ("ACCOUNT_RATE", "99999999999"),
    ],
)
def test_a_wrong_value_is_one_sentence(tmp_path, name, value):
    with pytest.raises(WrongSetting) as wrong:
        rendered(tmp_path, **{name: value})
    assert str(wrong.value).startswith(f"Wrong configuration: {name}: expected ")
    assert len(str(wrong.value).splitlines()) == 1


def test_zero_is_no_limit(tmp_path):
    names = ("HANDSHAKE_RATE", "MAX_SOCKETS_PER_ADDRESS", "REQUEST_RATE", "ACCOUNT_RATE")
    for limit in ("limit_req zone=", "limit_conn open_"):
        assert limit in rendered(tmp_path)
        assert limit not in rendered(tmp_path, **dict.fromkeys(names, "0"))
