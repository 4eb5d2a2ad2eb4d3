"""The rendered nginx configuration, and errors of directives.sh."""

import re
from pathlib import Path

import pytest

from deploy.local.nginx import FOLDER, InvalidSetting, render
from web.nginx_metrics import LIMITS


def rendered(folder: Path, **environment: str) -> str:
    target = folder / "nginx.conf"
    render(
        target,
        {"NGINX_LISTEN": "8080", "WEB_SERVERS": "127.0.0.1:8001", "WS_SERVERS": "127.0.0.1:8002", **environment},
    )
    return target.read_text()


def test_host_names_are_resolved_at_run_time_and_addresses_are_not(tmp_path):
    text = rendered(tmp_path, WEB_SERVERS="127.0.0.1:8001 10.0.0.1:8002", WS_SERVERS="ws:8000")
    assert "server 127.0.0.1:8001 max_fails" in text
    assert "server 10.0.0.1:8002 max_fails" in text
    assert "server ws:8000 resolve max_fails" in text


def test_short_name_in_kubernetes_gets_the_namespace_domain(tmp_path):
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


def test_short_name_outside_kubernetes_is_unchanged(tmp_path):
    resolv_conf = tmp_path / "resolv.conf"
    resolv_conf.write_text("search lan\nnameserver 127.0.0.11\n")
    text = rendered(tmp_path, RESOLV_CONF=str(resolv_conf), WS_SERVERS="ws:8000")
    assert "server ws:8000 resolve" in text


def test_trusted_proxies_set_address_and_scheme(tmp_path):
    text = rendered(tmp_path, TRUSTED_PROXIES="10.0.0.0/8 fd00::/8")
    for network in ("10.0.0.0/8", "fd00::/8"):
        assert f"set_real_ip_from {network};" in text
        assert f"{network} 1;" in text


@pytest.mark.parametrize(
    "value",
    ["10.0.0.1,10.1.0.0/16", "10.0.0.1, 10.1.0.0/16", "10.0.0.1 10.1.0.0/16", " 10.0.0.1 ,\n10.1.0.0/16,"],
    ids=["commas", "commas and blanks", "blanks", "lines"],
)
def test_list_items_are_separated_by_commas_or_whitespace(tmp_path, value):
    text = rendered(tmp_path, TRUSTED_PROXIES=value, ALLOWED_HOSTS=value.replace("/16", ""))
    assert "set_real_ip_from 10.0.0.1; set_real_ip_from 10.1.0.0/16;" in text
    assert "server_name 10.0.0.1 10.1.0.0;" in " ".join(text.split())


@pytest.mark.parametrize("value", ["::1", "[::1]", "fd00::/8", "::", "1:2:3:4:5:6:7:8/128", "1:2:3:4:5:6:7::"])
def test_trusted_proxy_may_be_an_ipv6_address(tmp_path, value):
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
def test_invalid_list_item_is_a_one_line_error(tmp_path, monkeypatch, name, value):
    # The shell must not expand * to these file names.
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InvalidSetting) as error:
        rendered(tmp_path, **{name: value if name == "PATH_PREFIX" else f"10.0.0.1,{value}"})
    assert str(error.value).startswith(f"Invalid configuration: {name}: expected ")
    assert str(error.value).endswith(f", not {value}.")


def test_no_proxy_is_trusted_by_default(tmp_path):
    assert "set_real_ip_from" not in rendered(tmp_path)


def test_every_variable_is_substituted(tmp_path):
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
        ("MAX_HEADER_KIB", "3"),
        ("MAX_HEADER_KIB", "65"),
        ("PROXY_PROTOCOL", "yes"),
        # Without TRUSTED_PROXIES it would only reject browsers.
        ("PROXY_PROTOCOL", "true"),
        ("ACCOUNT_RATE", "99999999999"),
        ("MAX_READS_PER_ADDRESS", "few"),
        *(("REFUSALS_SYSLOG", value) for value in ("x", "a:b", ":5140", "127.0.0.1:99999", "127.0.0.1:0", "a:1:2")),
        # nginx's own error, "connection limit must be less 65536", does not name the setting.
        ("MAX_SOCKETS_PER_ADDRESS", "65536"),
        ("MAX_REQUESTS_PER_ADDRESS", "100000"),
        ("MAX_READS_PER_ADDRESS", "65536"),
    ],
)
def test_invalid_value_is_a_one_line_error(tmp_path, name, value):
    with pytest.raises(InvalidSetting) as error:
        rendered(tmp_path, **{name: value})
    assert str(error.value).startswith(f"Invalid configuration: {name}: expected ")
    assert len(str(error.value).splitlines()) == 1


@pytest.mark.parametrize(
    "name", ["HANDSHAKE_RATE", "REQUEST_RATE", "ACCOUNT_RATE", "MAX_BODY_KIB", "MAX_SOCKETS_PER_ADDRESS"]
)
def test_leading_zeros_are_ignored(tmp_path, name):
    for number in ("8", "10", "100"):
        assert rendered(tmp_path, **{name: f"0{number}"}) == rendered(tmp_path, **{name: number})


def test_zero_disables_the_limit(tmp_path):
    names = (
        "HANDSHAKE_RATE",
        "MAX_SOCKETS_PER_ADDRESS",
        "MAX_REQUESTS_PER_ADDRESS",
        "MAX_READS_PER_ADDRESS",
        "REQUEST_RATE",
        "ACCOUNT_RATE",
    )
    for limit in ("limit_req zone=", "limit_conn open_"):
        assert limit in rendered(tmp_path)
        assert limit not in rendered(tmp_path, **dict.fromkeys(names, "0"))


def listens(text: str) -> list[str]:
    return [f"listen {part.partition(';')[0]}" for part in text.split("listen ")[1:] if part[:1] in "[0123456789"]


def test_port_without_address_listens_on_ipv4_and_ipv6(tmp_path):
    kernel = tmp_path / "if_inet6"
    more = {"TLS_CERTIFICATE": "/cert.pem", "TLS_KEY": "/key.pem", "NGINX_HEALTH_LISTEN": "8081"}
    without = listens(rendered(tmp_path, IF_INET6=str(kernel), **more))
    assert not any("[::]" in line for line in without)
    # The file is empty if IPv6 is disabled by sysctl; nginx can listen on [::] then.
    kernel.touch()
    with_it = listens(rendered(tmp_path, IF_INET6=str(kernel), **more))
    assert {line for line in with_it if "[::]" not in line} == set(without)
    assert {line.replace("[::]:", "") for line in with_it if "[::]" in line} == set(without)


def test_address_with_port_listens_on_that_address_only(tmp_path):
    assert set(listens(rendered(tmp_path, NGINX_LISTEN="127.0.0.1:8080"))) == {
        "listen 127.0.0.1:8080",
        "listen 127.0.0.1:8080 default_server",
    }


def test_servers_may_be_ipv6_addresses(tmp_path):
    text = rendered(tmp_path, WEB_SERVERS="[fd00::1]:8000", KUBERNETES_SERVICE_HOST="fd00::2")
    assert "server [fd00::1]:8000 max_fails" in text


def test_body_buffer_grows_with_max_body_kib_up_to_1_mib(tmp_path):
    assert "client_body_buffer_size 64k;" in rendered(tmp_path)
    assert "client_body_buffer_size 1k;" in rendered(tmp_path, MAX_BODY_KIB="0")
    assert "client_body_buffer_size 1024k;" in rendered(tmp_path, MAX_BODY_KIB="1048576")


def test_every_limit_of_the_log_is_a_limit_of_nginx_metrics(tmp_path):
    text = rendered(tmp_path)
    reasons = text.partition("$exceeded_limit {")[2].partition("}")[0]
    reasons += text.partition("$unexpected_protocol {")[2].partition("}")[0]
    named = {line.split()[-1].strip(";") for line in reasons.splitlines() if line.strip()} - {'""', "$exceeded_rate"}
    assert named - {"$unexpected_protocol"} | {"requests", "accounts", "handshakes"} == set(LIMITS)


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/accounts/login/", "/accounts/signup/", "/accounts/name/"])
def test_proxy_buffers_hold_a_form_that_repeats_its_escaped_input(client, tmp_path, path):
    text = rendered(tmp_path)
    count, size = re.search(r"proxy_buffers (\d+) (\d+)k;", text).groups()
    # Each quote in the body is escaped to six bytes.
    answer = client.post(path, {"username": "'" * 32000, "chosen": "'" * 32000})
    assert answer.status_code in {200, 400}
    assert len(answer.content) < int(count) * int(size) * 1024


def test_every_variable_of_the_template_passes_the_filter_of_the_image():
    names = re.findall(r"\$\{([A-Z_]+)\}", (FOLDER / "nginx.conf.template").read_text())
    assert {name for name in names if not name.startswith("NGINX_")} == {"UPPER"}
