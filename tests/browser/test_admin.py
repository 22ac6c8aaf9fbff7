"""Django's admin, in a real browser over real processes."""

import requests


def test_room_is_added_edited_with_an_upload_and_deleted(browser, demo, log_in, tmp_path):
    picture = tmp_path / "picture.png"
    picture.write_bytes(PNG)
    log_in(browser, "admin")

    browser.open(f"{demo.url}/admin/chat/room/add/")
    browser.fill(name="Made in the admin", topic="before")
    browser.click("[name=_continue]")
    browser.wait_for_text("was added successfully", within=".success")

    browser.fill(topic="after")
    browser.find("[name=picture]").send_keys(str(picture))
    browser.click("[name=_continue]")
    browser.wait_for_text("was changed successfully", within=".success")
    assert browser.find("[name=topic]").get_attribute("value") == "after"
    uploaded = browser.find(".file-upload a").get_attribute("href")
    assert requests.get(uploaded, timeout=10).content == PNG

    browser.click(".deletelink")
    browser.click("#content [type=submit]")
    browser.wait_for_text("was deleted successfully", within=".success")
    assert "Made in the admin" not in browser.texts("#result_list th")


#: A picture of one pixel, with a tail that makes it longer than one message may carry.
PNG = (
    bytes.fromhex(
        "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
        "1f15c4890000000d49444154789c6360f8cfc0000003010100c9fe92ef0000000049454e44ae426082"
    )
    + bytes(range(256)) * 6_000
)
