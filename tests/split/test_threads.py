"""`runworker --threads N`: consumers that wait do so at the same time."""


def test_twenty_consumers_that_sleep_100_ms_take_less_than_300_ms_together(site, layer, notes):
    site.start_worker("--threads", "20")
    took_s = []
    for attempt in range(3):  # the best one counts: the machine may be busy
        for number in range(20):
            layer.send("work", {"name": f"{attempt}-{number}", "sleep_s": 0.1})
        notes.expect("ended", 20 * (attempt + 1))
        began, ended = ([n["at"] for n in notes.find(what)][-20:] for what in ("began", "ended"))
        took_s.append(max(ended) - min(began))
    assert min(took_s) < 0.3, took_s
