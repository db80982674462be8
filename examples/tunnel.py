"""The resource service behind a tunnel, for a machine without a public address.

TUNNEL is the tunnel's address, such as http://3913rc56vl17.vicp.fun:40229; it leads to port 8086.
"""

import os
from pathlib import Path

from qqgroup_sync import Chain, Client, QQGroupChainBuilder, QQGroupChainBuilderOptions

CAT = Path(__file__).with_name("assets") / "cat.png"


class PenetrationChainBuilder(QQGroupChainBuilder):
    @property
    def domain(self):
        return os.environ["TUNNEL"] + "/resource"  # /resource is fixed


client = Client(
    # The same without a class: Client(media="serve", public_url=os.environ["TUNNEL"])
    default_chain_builder=PenetrationChainBuilder(
        QQGroupChainBuilderOptions(port=int(os.environ.get("PORT", "8086")))
    ),
)


@client.on_group_message(keywords="cat")
def cat(message):
    return Chain().image(CAT)


if __name__ == "__main__":
    client.run()
