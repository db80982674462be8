"""Buttons below a message: callbacks, commands, links."""

from qqgroup_sync import Button, Chain, Client, Keyboard, Modal

client = Client()


@client.on_group_message(keywords="menu")
def menu(message):
    keyboard = (
        Keyboard()
        .row(
            Button.callback("签到", data="sign", style="filled", visited_label="已签到"),
            Button.callback("退出", data="quit", modal=Modal("真的要退出吗？")),
        )
        .row(
            Button.command("help", "/help"),  # typed into the input box
            Button.link("docs", "https://bot.q.qq.com/wiki"),
        )
    )
    return Chain().text("What shall it be?").keyboard(keyboard)


@client.on_interaction
def clicked(interaction):
    interaction.reply(f"clicked: {interaction.button_data}")  # the click is acknowledged by itself


if __name__ == "__main__":
    client.run()
