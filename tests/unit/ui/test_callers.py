import pytest

from iris_mlp.ui.callers import find_address, find_path


@pytest.mark.parametrize(
    ("client", "forwarded", "space", "address"),
    [
        ("5.5.5.5", "1.1.1.1", False, "5.5.5.5"),  # a header proves nothing without a proxy
        ("10.0.0.1", "1.1.1.1", True, "1.1.1.1"),
        ("10.0.0.1", "9.9.9.9, 1.1.1.1, 10.0.0.2", True, "1.1.1.1"),  # the left is forged
        ("10.0.0.1", "nonsense, , 8.8.8.8:99", True, "10.0.0.1"),
        ("10.0.0.1", "", True, "10.0.0.1"),
        ("2600:1:2:3:4:5:6:7", "", False, "2600:1:2:3::/64"),
        ("::1", "", False, "::1"),
    ],
)
def test_the_address_is_the_last_that_a_proxy_vouches_for(
    client, forwarded, space, address, monkeypatch
):
    monkeypatch.setenv("SPACE_ID", "ada/iris" if space else "")
    headers = [(b"x-forwarded-for", forwarded.encode())]
    scope = {"type": "http", "client": (client, 5), "headers": headers}
    assert find_address(scope) == address


@pytest.mark.parametrize(
    ("root_path", "path", "found"),
    [
        ("", "/", "/"),
        ("/iris", "/iris/", "/"),
        ("/iris", "/iris", "/"),
        ("/iris", "/", "/"),
        ("https://example.org/iris", "/iris/config", "/config"),
        ("/iris", "/irises", "/irises"),
    ],
)
def test_the_path_is_what_comes_after_the_prefix(root_path, path, found):
    assert find_path({"type": "http", "root_path": root_path, "path": path}) == found
