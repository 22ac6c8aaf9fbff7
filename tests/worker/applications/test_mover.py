"""Which instances a worker gives away when others have fewer."""

import asyncio

from worker.applications.mover import Mover
from worker.applications.placement import Room


class Instance:
    """One that ends as soon as it is to move."""

    def __init__(self, name, waits_for_others):
        self.channel_name, self.waits_for_others = name, waits_for_others
        self.task = asyncio.get_running_loop().create_future()

    def ask_to_move(self):
        self.task.set_result(None)


def test_instances_whose_handlers_run_are_let_be_while_loads_even_out():
    async def even_out():
        instances = {str(n): Instance(str(n), waits_for_others=n % 2 == 0) for n in range(20)}
        mover = Mover(None, instances, Room(None))
        moving = asyncio.ensure_future(mover._even_out([20, 0]))
        await asyncio.sleep(0.01)
        moved = {name for name, one in instances.items() if one.task.done()}
        for name in moved:
            mover.note_moved(name)
        await moving
        return moved

    assert asyncio.run(even_out()) == {str(n) for n in range(0, 20, 2)}
