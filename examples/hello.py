"""The smallest bot: QQ_APPID and QQ_CLIENT_SECRET come from the environment."""

from qqgroup_sync import Chain, Client

client = Client()


@client.on_group_message(keywords="hello")
def hello(message):
    return Chain().text(f"hi, {message.author.username or 'friend'}!")


@client.on_c2c_message
def private(message):
    return f"You said: {message.text}"


if __name__ == "__main__":
    client.run()
