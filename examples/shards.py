"""Several shards: each process takes its own share of the events.

SHARD=0 python shards.py and SHARD=1 python shards.py; or Client(shards="auto") for all in one.
Identifies are paced by the platform's session_start_limit: nothing needs to be started slowly.
"""

import os

from qqgroup_sync import Client

client = Client(shard_index=int(os.environ.get("SHARD", "0")), shards=2)


@client.on_group_message
def answer(message):
    return f"shard {client.settings.shard_index} of {client.settings.shards}"


if __name__ == "__main__":
    client.run()
