from channels import Group
from channels.sessions import channel_session
from urllib.parse import parse_qs

# Connected to websocket.connect
@channel_session
def ws_connect(message, room_name):
    # Accept connection 
    message.reply_channel.send({"accept": True}) 
    # Parse the query string
    params = parse_qs(message.content["query_string"]) 
    if "username" in params:
        # Set the username in the session
        message.channel_session["username"] = params["username"] 
        # Add the user to the room_name group
        Group("chat-%s" % room_name).add(message.reply_channel)
    else:
        # Close the connection. 
        message.reply_channel.send({"close": True})

# Connected to websocket.receive
@channel_session
def ws_message(message, room_name): 
    Group("chat-%s" % room_name).send({
        "text": message["text"],
        "username": message.channel_session["username"]
    })
# Connected to websocket.disconnect
@channel_session
def ws_disconnect(message, room_name):
    Group("chat-%s" % room_name).discard(message.reply_channel)
