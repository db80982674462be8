"""Says back what it hears, quoting the message; works in groups and in private chats."""

from qqgroup_sync import Client

client = Client(urls="markdown")  # texts with a URL leave as markdown links


@client.on_message
def echo(message):
    if not message.text:
        return "I can only repeat text."
    sent = message.reply(message.text, quote=True)
    print("sent", sent.id, "- replies left:", message.replies_left)


if __name__ == "__main__":
    client.run()
