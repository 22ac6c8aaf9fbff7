"""The live blog: whatever saves a post, every open page shows it."""

import pytest

from tests.browser.held_requests import HeldRequests
from tests.processes import wait_until


@pytest.fixture
def save(demo):
    """Run code in a shell that knows Post."""

    def save(code):
        demo.manage("shell", "-c", f"from project.liveblog.models import Post\n{code}")

    return save


@pytest.fixture(autouse=True)
def no_posts(save):
    save("Post.objects.all().delete()")


def headlines(browser):
    return browser.texts(".post h2")


def test_post_of_one_appears_on_the_page_of_another(browsers, visit, log_in):
    writer, reader = browsers
    visit(reader, "/liveblog/")
    assert reader.all("#write") == []
    log_in(writer, "amy")
    visit(writer, "/liveblog/")
    for headline in ("First <b>light</b>", "Second"):
        writer.fill(headline=headline, body="It begins.")
        writer.click("#write button")
        reader.wait_for_text(headline, within=".post h2")
    writer.wait_for_text("Second", within=".post h2")
    assert headlines(reader) == headlines(writer) == ["Second", "First <b>light</b>"]
    assert writer.find("[name=headline]").get_attribute("value") == ""


def test_admin_makes_changes_and_deletes_what_readers_see(browsers, visit, demo, log_in):
    admin, reader = browsers
    visit(reader, "/liveblog/")
    log_in(admin, "admin")
    admin.open(f"{demo.url}/admin/liveblog/post/add/")
    admin.fill(headline="From the admin")
    admin.click("[name=_continue]")
    reader.wait_for_text("From the admin", within=".post h2")
    admin.fill(headline="Changed there")
    admin.click("[name=_continue]")
    wait_until(lambda: headlines(reader) == ["Changed there"], what=lambda: reader.text)
    admin.click(".deletelink")
    admin.click("main [type=submit]")
    reader.wait_for_text("No post yet", within="#posts")


def test_what_is_rolled_back_is_not_told(browser, visit, save):
    visit(browser, "/liveblog/")
    save(
        "from django.db import transaction\n"
        "with transaction.atomic():\n"
        "    Post.objects.create(headline='never was'); transaction.set_rollback(True)\n"
        "Post.objects.create(headline='was')"
    )
    browser.wait_for_text("was", within=".post h2")
    assert headlines(browser) == ["was"]


def test_page_whose_socket_was_away_shows_what_it_has_missed(browser, visit, save, demo):
    save("Post.objects.create(headline='to be deleted'); Post.objects.create(headline='stays')")
    visit(browser, "/liveblog/")
    server = demo.servers[-1]
    server.stop()
    browser.wait_for_text("Back in", within="#state")
    save("Post.objects.get(headline='to be deleted').delete()\nPost.objects.create(headline='new')")
    demo.restart_server(server)
    wait_until(
        lambda: headlines(browser) == ["new", "stays"], limit_s=20, what=lambda: browser.text
    )
    browser.driver.get_log("browser")  # that the server was away is no fault of the page


def test_what_events_told_meanwhile_is_not_undone_by_an_older_answer(browser, visit, save):
    save("Post.objects.create(pk=7, headline='deleted meanwhile')")
    latest = HeldRequests(browser, "latest/")
    visit(browser, "/liveblog/")
    latest.wait()
    save("Post.objects.create(pk=8, headline='new')\nPost.objects.get(pk=7).delete()")
    wait_until(lambda: headlines(browser) == ["new"], what=lambda: browser.text)
    at = "2026-01-01T00:00:00+00:00"
    old = [
        {"id": 7, "headline": "deleted meanwhile", "body": "", "at": at},
        {"id": 6, "headline": "missed", "body": "", "at": at},
    ]
    latest.answer(200, {"posts": old, "all": True})
    browser.wait_for_text("missed", within=".post h2")
    assert headlines(browser) == ["new", "missed"]


@pytest.mark.parametrize("status", [None, 503])
def test_post_that_did_not_arrive_is_put_back_where_nothing_was_typed_since(
    browser, visit, log_in, status
):
    log_in(browser, "amy")
    posts = HeldRequests(browser, "POST ")
    visit(browser, "/liveblog/")
    browser.fill(headline="First", body="It begins.")
    browser.click("#write button")
    posts.wait()
    browser.fill(headline="Second")
    if status:
        posts.answer(status)
    else:
        posts.fail()
    fields = [browser.find(f"[name={name}]") for name in ("headline", "body")]
    assert [field.get_attribute("value") for field in fields] == ["Second", "It begins."]


def test_wrong_post_is_refused_on_the_page(browser, visit, log_in):
    log_in(browser, "amy")
    visit(browser, "/liveblog/")
    browser.run("document.querySelector('[name=headline]').maxLength = 1000")
    browser.fill(headline="x" * 101)
    browser.click("#write button")
    browser.wait_for_text("at most 100 characters", within="#write .error")
