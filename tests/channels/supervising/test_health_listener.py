"""What is started again because it lives no more."""

from channels.supervising.health_listener import PATIENCE, HealthWatch, read_ports

PROGRAMS = [
    {"group": "interface", "name": "interface", "statename": "RUNNING"},
    {"group": "worker", "name": "worker-00", "statename": "RUNNING"},
    {"group": "worker", "name": "worker-01", "statename": "RUNNING"},
    {"group": "redis", "name": "redis", "statename": "RUNNING"},
]


class Answers:
    """Answers for processes; those on `dead` ports are stuck."""

    def __init__(self):
        self.dead, self.asked = set(), []

    def __call__(self, url):
        port = int(url.split(":")[2].split("/")[0])
        self.asked.append(port)
        return port not in self.dead, "stuck\n" if port in self.dead else "ok\n"


def make_watch():
    answers = Answers()
    return HealthWatch(read_ports(["interface=9400", "worker=9500"]), answers), answers


def test_each_process_is_asked_at_its_own_port_and_others_are_let_be():
    watch, answers = make_watch()
    assert list(watch.find_dead(PROGRAMS)) == []
    assert answers.asked == [9400, 9500, 9501]


def test_process_that_does_not_answer_for_long_is_dead_and_then_gets_new_patience():
    watch, answers = make_watch()
    answers.dead = {9501}
    found = [list(watch.find_dead(PROGRAMS)) for _ in range(PATIENCE + 1)]
    assert found == [[]] * (PATIENCE - 1) + [[("worker:worker-01", "stuck")], []]


def test_one_good_answer_forgives():
    watch, answers = make_watch()
    for dead in [{9500}] * (PATIENCE - 1) + [set()] + [{9500}] * (PATIENCE - 1):
        answers.dead = dead
        assert list(watch.find_dead(PROGRAMS)) == []


def test_process_that_starts_or_stops_is_not_asked():
    watch, answers = make_watch()
    stopped = [{**program, "statename": "STARTING"} for program in PROGRAMS]
    assert list(watch.find_dead(stopped)) == []
    assert answers.asked == []
