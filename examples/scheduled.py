"""Says something by itself: every morning, every ten minutes, and once at a date."""

import os
import time

from qqgroup_sync import Client

client = Client()
GROUP = os.environ.get("MY_GROUP", "")  # group_openid, from any message of that group


@client.timed_task(trigger="cron", hour=8, day_of_week="mon-fri", timezone="Asia/Shanghai")
def good_morning():  # pip install "qqgroup_sync[schedule]" for triggers
    client.send_group(GROUP, "Good morning!")


@client.timed_task(each=600, run_when_added=True, sub_tag="watch")
def watch(client):  # each= needs nothing more; a run never overlaps the one before
    print(time.ctime(), client.status)


@client.timed_task(trigger="date", run_date="2026-12-31 23:59:50", timezone="Asia/Shanghai")
def countdown():
    client.send_group(GROUP, "Ten seconds left this year!")


@client.on_message(keywords="stop watching")
def stop_watching(message):
    return f"{client.remove_timed_task('watch')} task(s) removed"


if __name__ == "__main__":
    client.run()
