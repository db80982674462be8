"""The bot beside other work: in a notebook, a web server, or a larger program."""

from qqgroup_sync import Client

client = Client()


@client.on_group_message
def count(message):
    return f"{len(message.text)} characters"


def main() -> None:
    client.start()  # returns at once, also in a notebook cell
    try:
        client.wait_ready(timeout=30)
        print("on line, and the main program goes on:", client.status)
        client.wait(timeout=60)  # or whatever else there is to do
    except KeyboardInterrupt:
        print("stopping")
    finally:
        client.stop()  # a later start() goes on where this one ended


if __name__ == "__main__":
    main()
