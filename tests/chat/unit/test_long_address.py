import re

import pytest

from deploy.local.nginx import render


@pytest.mark.django_db
def test_what_comes_back_of_the_longest_address_fits_into_the_buffers_of_nginx(client, tmp_path):
    configuration = tmp_path / "nginx.conf"
    render(configuration, {"NGINX_LISTEN": "8080", "WEB_SERVERS": "127.0.0.1:1", "WS_SERVERS": "127.0.0.1:2"})
    count, size = re.search(r"proxy_buffers (\d+) (\d+)k;", configuration.read_text()).groups()
    # In quotes: escaped, each has six bytes.
    answer = client.get("/chat/?room=" + "'" * 8000)
    assert answer.status_code == 400
    assert len(answer.content) < int(count) * int(size) * 1024
