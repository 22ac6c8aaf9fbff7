"""What is awaited within a time limit: its result, its error, its end, and being cancelled."""

import asyncio

import pytest

from channels.layers.time_limit import within


async def give(result, after_s=0.0):
    await asyncio.sleep(after_s)
    if isinstance(result, Exception):
        raise result
    return result


@pytest.mark.parametrize("limit_s", [5, None])
def test_the_result_comes_through(limit_s):
    assert asyncio.run(within(limit_s, give(7))) == 7


def test_an_error_comes_through():
    with pytest.raises(KeyError):
        asyncio.run(within(5, give(KeyError("x"))))


def test_what_takes_too_long_is_cancelled_and_has_ended_then():
    ended = []

    async def take_long():
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0)
            ended.append(True)

    with pytest.raises(asyncio.TimeoutError):
        asyncio.run(within(0.01, take_long()))
    assert ended


@pytest.mark.parametrize("result", [None, KeyError("x")])
def test_a_task_that_is_cancelled_as_the_awaited_ends_is_cancelled(result):
    async def scenario():
        future = asyncio.get_running_loop().create_future()
        task = asyncio.ensure_future(within(5, future))
        await asyncio.sleep(0)
        future.set_exception(result) if result else future.set_result(result)
        await asyncio.sleep(0)  # now the waiting task is about to be told
        task.cancel()
        await asyncio.wait([task])
        return task.cancelled()

    assert asyncio.run(scenario())


def test_a_cancelled_task_cancels_what_it_awaits():
    async def scenario():
        inner = asyncio.ensure_future(asyncio.sleep(60))
        task = asyncio.ensure_future(within(5, inner))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        return task.cancelled() and inner.cancelled()

    assert asyncio.run(scenario())


def test_no_task_is_needed():
    """As with a host that drives its applications by itself."""

    def drive(coroutine, loop):
        try:
            waits_for = coroutine.send(None)
        except StopIteration as stop:
            loop.stop()
            results.append(stop.value)
        else:
            waits_for._asyncio_future_blocking = False
            waits_for.add_done_callback(lambda _: drive(coroutine, loop))

    results, loop = [], asyncio.new_event_loop()
    loop.call_soon(lambda: drive(within(5, give(7, after_s=0.01)), loop))
    loop.run_forever()
    loop.close()
    assert results == [7]
