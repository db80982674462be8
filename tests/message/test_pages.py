"""What a page may be made of, and markdown as a page."""

import math
import sys
from pathlib import Path

import pytest

from qqgroup_sync.errors import ConfigError, MediaError, UnsupportedMedia
from qqgroup_sync.message.pages import Page, markdown_page


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"html": "<p>", "url": "http://127.0.0.1/"},
        {"url": "file:///etc/passwd"},
        {"url": "javascript:alert(1)"},
        {"html": "<p>", "width": 0},
        {"html": "<p>", "height": 20_000},
        {"html": "<p>", "scale": 0},
        {"html": "<p>", "render_time": -1},
        {"html": "<p>", "data": object()},
        {"html": "<p>", "data": {"a": math.nan}},
        {"html": "<p>", "data": {"a": b"bytes"}},
    ],
)
def test_wrong_pages_are_refused_where_they_are_written(options):
    """Nothing waits for a browser to find that out."""
    with pytest.raises(ConfigError):
        Page(**options)


def test_data_that_contains_itself_is_refused():
    """Json's own error is no recursion without end."""
    data = []
    data.append(data)
    with pytest.raises(ConfigError, match="JSON"):
        Page(html="<p>", data=data)


def test_a_missing_template_is_named(tmp_path, monkeypatch):
    """With the folder from which relative paths count."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(MediaError, match=r"card\.html") as caught:
        Page(path=Path("card.html"))
    assert str(tmp_path) in caught.value.remedy


def test_a_relative_template_becomes_an_address(tmp_path, monkeypatch):
    """Also with blanks and Chinese characters in its name."""
    (tmp_path / "签 到.html").write_text("<p>")
    monkeypatch.chdir(tmp_path)
    address = Page(path=Path("签 到.html")).address
    assert address.startswith("file:///")
    assert address.endswith("%E7%AD%BE%20%E5%88%B0.html")


def test_the_data_is_taken_as_it_is_now():
    """What the handler does with its list afterwards does not change the page."""
    data = {"names": ["Ming"]}
    page = Page(html="<p>", data=data)
    data["names"].append("Lan")
    assert page.data_json == '{"names": ["Ming"]}'


def test_a_page_does_not_show_its_content():
    """Neither a presigned address nor what members wrote gets into a log."""
    shown = repr(Page(url="http://127.0.0.1/?sign=abc", data={"secret": "def"}))
    assert "abc" not in shown
    assert "def" not in shown


def test_markdown_becomes_html():
    """With tables, strikethrough and line breaks as they were written."""
    html = markdown_page("# Title\n~~old~~\nnew\n\n|a|b|\n|-|-|\n|1|2|").html
    assert "<h1>Title</h1>" in html
    assert "<s>old</s><br" in html
    assert "<td>2</td>" in html
    assert 'class="light"' in html
    assert 'class="dark"' in markdown_page("a", is_dark=True).html


def test_what_members_wrote_stays_text():
    """Neither tags nor dangerous links come through, and no script may run."""
    html = markdown_page(
        "<script>alert(1)</script>\n<img src=x onerror=alert(1)>\n\n[a](javascript:alert(1))"
        " ![b](file:///etc/passwd) <!-- theme --> <!-- body -->"
    ).html
    body = html.partition("<body>")[2]
    assert "<script" not in html
    assert "<img" not in body
    assert "href" not in body
    assert "&lt;!-- theme --&gt;" in body
    assert "default-src 'none'" in html


def test_without_markdown_it_the_error_names_the_extra(monkeypatch):
    """It is an extra, and says so when it is needed."""
    monkeypatch.setitem(sys.modules, "markdown_it", None)
    with pytest.raises(UnsupportedMedia) as caught:
        markdown_page("a")
    assert 'pip install "qqgroup_sync[html]"' in str(caught.value)
