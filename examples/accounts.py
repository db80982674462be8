"""Several bots in one process: the same handlers for all, and some of their own."""

import os

from qqgroup_sync import Accounts, Client

first = Client(os.environ["APPID_1"], os.environ["SECRET_1"])
second = Client(os.environ["APPID_2"], os.environ["SECRET_2"])
accounts = Accounts(first, second)  # more by accounts.append(...), less by del accounts[appid]


@accounts.on_message(keywords="who")
def who(message):
    return f"I am {message.appid}"


@second.on_message(keywords="second")
def only_second(message):
    return "only the second one says this"


if __name__ == "__main__":
    accounts.run()
