"""Everything that is no message: groups, members, friends, clicks, and errors."""

from qqgroup_sync import Client, ReplyExpired

client = Client()


@client.on_ready
def ready():
    print("the bot is on line:", client.status)


@client.on_group_added
def added(event):
    return "Thank you for having me. @ me and say hello."  # answers by event_id


@client.on_member_joined
def welcome(event):
    return "Welcome!"


@client.on_friend_added
def friend(event):
    return "Hi! Nice to meet you."


@client.on_event
def observe(event):
    print(event)  # sees everything, competes with nobody


@client.on_exception(ReplyExpired)
def too_late(error, client, event):
    print("too late to answer:", error)


if __name__ == "__main__":
    client.run()
