"""What the platform takes for a URL."""

import pytest

from qqgroup_sync.simulator.urls import find_url


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("see https://example.com/a?b=c", "example.com"),
        ("http://1.2.3.4:8080/x", "1.2.3.4"),
        ("go to example.com.", "example.com"),
        ("run crawler.py now", "crawler.py"),
        ("README.md and setup.sh", "README.md"),
        ("a.b.co.uk", "a.b.co.uk"),
        ("访问example.com看看", "example.com"),
        ("HTTPS://Example.COM", "Example.COM"),
        ("version 3.14.1", None),
        ("e.g. this", None),
        ("file.txt and data.json", None),
        ("mail a@b", None),
        ("no dots here", None),
        ("end. Next", None),
        ("等等...好的", None),
    ],
)
def test_detection_is_fuzzy(text, found):
    """File names whose ending is a top-level domain count as URLs (2.6)."""
    assert find_url(text) == found


def test_whitelist_allows_domain_and_its_subdomains_only():
    """Whitelist allows domain and its subdomains only."""
    allowed = {"example.com"}
    assert find_url("example.com www.example.com https://a.example.com/x", allowed) is None
    assert find_url("badexample.com", allowed) == "badexample.com"
    assert find_url("example.com and other.com", allowed) == "other.com"
