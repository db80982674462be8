"""Media through Tencent Cloud COS: the bot puts them into a bucket, QQ fetches them there.

pip install "qqgroup_sync[s3]"; the keys stand in COS_SECRET_ID and COS_SECRET_KEY.
"""

import os

from qqgroup_sync import Chain, Client, S3ChainBuilder

PICTURE = os.environ.get("PICTURE", "cat.png")

storage = S3ChainBuilder.cos(  # for Aliyun .oss(...), for any other store S3ChainBuilder(...)
    os.environ["COS_BUCKET"],  # with APPID, as in "pictures-1250000000"
    os.environ.get("COS_REGION", "ap-guangzhou"),
    lifetime=600,  # seconds for which QQ can fetch a file; it is deleted once QQ has it
    endpoint_url=os.environ.get("S3_ENDPOINT_URL"),  # by default COS itself
)
client = Client(default_chain_builder=storage)


@client.on_group_message(keywords="picture")
def picture(message):
    return Chain().text("fresh from the bucket").image(PICTURE)


if __name__ == "__main__":
    client.run()
