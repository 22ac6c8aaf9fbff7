"""Thumbnails on a channel that only some workers take."""

import json

import pytest

from tests.browser.held_requests import HeldRequests
from tests.conftest import start_workers
from tests.processes import wait_until

Image = pytest.importorskip("PIL.Image", reason="Pillow makes the pictures and the thumbnails")


@pytest.fixture
def picture(tmp_path):
    """The path of a picture of 900 × 600 pixels."""
    path = tmp_path / "green.png"
    Image.new("RGB", (900, 600), "green").save(path)
    return path


@pytest.fixture
def page_workers_only(demo):
    """The demo, with nobody but the workers of pages and sockets; all are back afterwards."""
    demo.stop_workers()
    demo.start_worker("--only-channels=http.*", "--only-channels=websocket.*")
    yield demo
    demo.stop_workers()
    start_workers(demo)


def upload(browser, path):
    field = browser.all("[name=original]")[0]
    field.send_keys(str(path))


def sizes(browser):
    return browser.run(
        "return [...document.querySelectorAll('.picture:first-of-type img')].map("
        "image => [image.naturalWidth, image.naturalHeight])"
    )


def test_thumbnails_are_made_by_a_worker_that_takes_nothing_else(
    browser, visit, log_in, page_workers_only, picture
):
    log_in(browser, "amy")
    visit(browser, "/thumbnails/")
    upload(browser, picture)
    browser.wait_for_text("green.png", within=".picture h2")
    browser.wait_for_text("0 %", within=".picture .aside")
    page_workers_only.start_worker("--only-channels=thumbnails")
    browser.find(".picture.done")
    wait_until(
        lambda: sizes(browser) == [[96, 64], [192, 128], [384, 256]], what=lambda: sizes(browser)
    )


def test_page_is_told_how_far_it_is_while_the_consumer_runs(
    browser, visit, log_in, open_socket, picture
):
    log_in(browser, "amy")
    visit(browser, "/thumbnails/")
    socket = open_socket("/thumbnails/stream/", "amy")
    upload(browser, picture)
    percents = [json.loads(socket.recv(timeout=20))["percent"] for _ in range(5)]
    assert percents == [0, 0, 33, 66, 100]


def test_what_events_told_meanwhile_is_not_undone_by_an_older_answer(
    browser, visit, log_in, picture
):
    log_in(browser, "amy")
    latest = HeldRequests(browser, "latest/")
    visit(browser, "/thumbnails/")
    latest.wait()
    upload(browser, picture.rename(picture.with_name("late.png")))
    browser.wait_for_text("late.png", within=".picture.done h2")
    number = browser.run("return Number(document.querySelector('.picture').id.slice(8))")
    half = {"name": "late.png", "percent": 33, "problem": "", "thumbnails": []}
    missed = {**half, "id": number + 1, "name": "missed.png"}
    latest.answer(200, {"pictures": [missed, {**half, "id": number}]})
    browser.wait_for_text("missed.png", within=".picture h2")
    assert browser.all(f"#picture-{number}.done")


def test_nobody_sees_the_pictures_of_others(browsers, visit, log_in, picture):
    amy, ben = browsers
    log_in(ben, "ben")
    visit(ben, "/thumbnails/")
    log_in(amy, "amy")
    visit(amy, "/thumbnails/")
    upload(amy, picture)
    amy.find(".picture.done")
    assert ben.texts("#pictures") == ["No picture yet: upload one."]


def test_what_is_no_picture_is_said_so_and_may_be_tried_again(browser, visit, log_in, tmp_path):
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"\x89PNG\r\n\x1a\nnot really")
    log_in(browser, "amy")
    visit(browser, "/thumbnails/")
    upload(browser, broken)
    browser.wait_for_text("This is no picture", within=".picture .error")
    watch_class(browser)
    browser.click(".picture .again button")
    wait_until(
        lambda: [*map(bool, seen(browser))] == [False, True], what="another try, and the same end"
    )


def watch_class(browser):
    """Note each time that the page changes what it says of the picture."""
    browser.run("""
        const picture = document.querySelector(".picture");
        window.seen = [];
        new MutationObserver(() => window.seen.push(picture.classList.contains("failed")))
          .observe(picture, { attributes: true });
    """)


def seen(browser):
    """Whether the picture had failed, each time that this changed."""
    changes = browser.run("return window.seen")
    return [now for before, now in zip([True, *changes], changes, strict=False) if now != before]


def test_upload_of_another_kind_is_refused(browser, visit, log_in, tmp_path):
    text = tmp_path / "letter.txt"
    text.write_text("Dear all")
    log_in(browser, "amy")
    visit(browser, "/thumbnails/")
    upload(browser, text)
    browser.wait_for_text("not allowed", within="#problem")
