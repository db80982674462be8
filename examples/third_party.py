"""Media through a server of your own, HOSTING; for S3 storage see cloud_storage.py."""

import os
import secrets
from pathlib import Path

import requests

from qqgroup_sync import Chain, ChainBuilder, Client, voice

ASSETS = Path(__file__).with_name("assets")


class ThirdPartyChainBuilder(ChainBuilder):
    def get_image(self, image):  # a path or bytes
        return self.upload(image if isinstance(image, bytes) else Path(image).read_bytes())

    def get_voice(self, voice_file):
        return self.upload(voice.to_silk(voice_file, ios_adaptive=True))

    def get_video(self, video_file):
        return self.upload(Path(video_file).read_bytes())

    def upload(self, data):
        url = f"{os.environ['HOSTING']}/{secrets.token_hex(16)}"
        requests.put(url, data, timeout=30).raise_for_status()
        return url  # or bytes, or a path: then it is uploaded to QQ directly


client = Client(default_chain_builder=ThirdPartyChainBuilder())


@client.on_group_message
def answer(message):
    return Chain().image(ASSETS / "cat.png").voice(ASSETS / "hello.wav")


if __name__ == "__main__":
    client.run()
