"""HTML of e-mails becomes text, and keeps its styles in mail programs."""

import pytest

from notifications.services.compose import html

pytestmark = pytest.mark.once


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("<p>One<p>Two <a href='https://x/?a=1&amp;b=2'>link</a>", "One\n\nTwo link (https://x/?a=1&b=2)\n"),
        ("3 < 4 &amp; <img alt=it's src=x> <a title=it's href=u>v</a>", "3 < 4 & it's v (u)\n"),
        ("<head><title>t</title><style>a<b</style><body>Hi<!-- c --><script>a<b</script>!", "Hi!\n"),
        (f"&#{'9' * 5000}; a", "\ufffd a\n"),  # Python refuses to read so long a number
        ("<ul><li>a<li>b</ul>", "- a\n- b\n"),
    ],
)
def test_html_to_text_follows_browsers(source, words):
    assert html.as_text(source) == words


def test_styles_are_moved_to_their_elements_and_media_rules_stay():
    sheet = "<style>p{color:red} @media (max-width:480px){p{color:blue}}</style>"
    shown = html.with_inline_styles(f"{sheet}<p>Hello</p>")
    assert '<p style="color: red;">Hello</p>' in shown
    assert "@media" in shown
    assert "p{color:red}" not in shown


@pytest.mark.parametrize("source", ["<p>Hello</p>", "<style>p{color:red}</style><svg><p>Hello</p></svg>"])
def test_html_without_styles_or_with_drawings_is_left_as_it_is(source):
    assert html.with_inline_styles(source) == source


def test_a_link_is_added_at_the_end_of_the_body():
    shown = html.with_link_below("<BODY><p>Hi</p></BODY></html>", "https://x.example/?a=1&b=2", "Stop <it>")
    link = '<a href="https://x.example/?a=1&amp;b=2">Stop &lt;it&gt;</a>'
    assert shown.startswith("<BODY><p>Hi</p><p style=")
    assert shown.endswith(f"{link}</p></BODY></html>")
    assert html.with_link_below("<p>Hi</p>", "https://x.example/", "Stop").endswith("Stop</a></p>")
