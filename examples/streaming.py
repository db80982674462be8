"""An answer that grows while it is written, as language models write; private chats."""

from qqgroup_sync import Client

client = Client()


def think(question):
    """Stand for a language model: words, one by one."""
    for word in f"You asked: {question}. I have to think about that.".split():
        yield word + " "


@client.on_message
def answer(message):
    message.typing()  # costs one of four replies; does nothing in groups
    with message.stream() as stream:  # in groups it is sent as one message at the end
        for word in think(message.text):
            stream.write(word)


if __name__ == "__main__":
    client.run()
