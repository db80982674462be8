"""The AmiyaBot way: media lie on this machine, QQ fetches them from its resource service.

Nobody needs it any more: by default media are uploaded directly. The machine must be reachable
from the internet; PUBLIC_URL tells the address when it cannot be found out.
"""

import os
from pathlib import Path

from qqgroup_sync import Chain, Client, QQGroupChainBuilderOptions

CAT = Path(__file__).with_name("assets") / "cat.png"

client = Client(
    media="serve",
    public_url=os.environ.get("PUBLIC_URL"),
    default_chain_builder_options=QQGroupChainBuilderOptions(  # these are the defaults
        host="0.0.0.0",
        port=int(os.environ.get("PORT", "8086")),
        resource_path="./resource",
    ),
)


@client.on_group_message(keywords="cat")
def cat(message):
    return Chain().image(CAT)


if __name__ == "__main__":
    client.run()
