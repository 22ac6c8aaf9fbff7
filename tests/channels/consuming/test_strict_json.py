"""NaN and Infinity are no JSON, in every place that reads or writes it."""

import asyncio
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.consuming import strict_json
from channels.generic import websocket, websockets
from channels.generic.websockets import WebsocketMultiplexer

NO_NUMBERS = [math.nan, math.inf, -math.inf]
NO_JSON = ["NaN", "Infinity", "-Infinity", '{"a": [NaN]}', "1e400", "-1e400"]

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)

READERS = [
    strict_json.loads,
    websockets.JsonWebsocketConsumer.decode_json,
    websockets.WebsocketDemultiplexer.decode_json,
    websocket.JsonWebsocketConsumer.decode_json,
]
WRITERS = [
    strict_json.dumps,
    websockets.JsonWebsocketConsumer.encode_json,
    websocket.JsonWebsocketConsumer.encode_json,
    WebsocketMultiplexer.encode_json,
]


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize("text", NO_JSON)
def test_what_is_no_json_is_not_read(read, text):
    with pytest.raises(ValueError):
        read(text)


@pytest.mark.parametrize("write", WRITERS)
@pytest.mark.parametrize("number", NO_NUMBERS)
def test_what_json_has_no_text_for_is_not_written(write, number):
    with pytest.raises(ValueError, match="send None, or text"):
        write({"n": [number]})


@pytest.mark.parametrize("text", NO_JSON)
def test_async_consumers_do_not_read_it_either(text):
    with pytest.raises(ValueError):
        asyncio.run(websocket.AsyncJsonWebsocketConsumer.decode_json(text))


@given(json_values)
def test_what_is_written_is_read_back(value):
    assert strict_json.loads(strict_json.dumps(value)) == value
