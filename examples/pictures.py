"""Pictures from anywhere: a file, bytes, a drawing, a URL; alone, with text, inside text."""

from pathlib import Path

from qqgroup_sync import Chain, Client

CAT = Path(__file__).with_name("assets") / "cat.png"
client = Client()


@client.on_group_message(keywords="cat")
def cat(message):
    return Chain().text("a cat").image(CAT)  # one message: the text is the caption


@client.on_group_message(keywords="two")
def two(message):
    return Chain().image([CAT, CAT.read_bytes()])  # two messages, in order


@client.on_group_message(keywords="inside")
def inside(message):
    return Chain().markdown("# A cat\nand here it is:").image(CAT, inline=True, alt="cat")


@client.on_group_message(keywords="draw")
def draw(message):
    return Chain().text_image("[cl 你好@#d4656b cle], " + (message.author.username or "friend"))


@client.on_group_message(keywords="http")
def fetch(message):
    return Chain().image(message.text)  # QQ fetches it; where it cannot, the bot does


if __name__ == "__main__":
    client.run()
