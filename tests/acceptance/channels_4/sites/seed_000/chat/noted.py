from channels.generic.websocket import WebsocketConsumer

from chat.models import Clients

class NotedConsumer(WebsocketConsumer):

    def connect(self):
        # Make a database row with our channel name
        Clients.objects.create(channel_name=self.channel_name)  # 记录下channel_name，绑定channel_name与其他信息？

    def disconnect(self, close_code):
        # Note that in some rare cases (power loss, etc) disconnect may fail
        # to run; this naive example would leave zombie channel names around.
        Clients.objects.filter(channel_name=self.channel_name).delete()  # 根据channel_name查询出

    # 注意这里方法的命名方式 type_message 类型_消息 意味着：使用此方法处理消息类型为type的消息
    def chat_message(self, event):
        # Handles the "chat.message" event when it's sent to us.
        self.send(text_data=event["text"])


class AcceptedConsumer(NotedConsumer):
    def connect(self):
        super().connect()
        self.accept()
