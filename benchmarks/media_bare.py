"""The bare reference of the media benchmarks: the same HTTP calls by hand, and nothing else.

    python benchmarks/media_bare.py --api http://127.0.0.1:PORT

Commands come as lines of JSON on stdin, answers go as lines of JSON to stdout.

    {"do": "pictures", "window": 16, "seconds": 2}     http.client, json, base64
    {"do": "upload", "file": "large.bin", "concurrency": 4, "digests": true}    requests
"""

import argparse
import base64
import hashlib
import http.client
import json
import queue
import threading
from pathlib import Path
from urllib.parse import urlsplit

import media_process
from media_samples import Pictures

GROUP = f"{0xA0000:032X}"
BLOCK = 64 * 1024


class Bare:
    """What speaks to the platform."""

    def __init__(self, api):
        self.api = api
        self.address = urlsplit(api).netloc
        self.pictures = Pictures()
        self.headers = {"Authorization": "QQBot benchmark-token"}
        self.headers["Content-Type"] = "application/json"
        self.session = None

    def call(self, connection, path, body):
        connection.request("POST", path, json.dumps(body).encode(), self.headers)
        return json.loads(connection.getresponse().read())

    def sender(self):
        """Return a function that sends a new picture, for one thread."""
        connection = http.client.HTTPConnection(self.address)

        def send():
            data = base64.b64encode(self.pictures.next()).decode()
            body = {"file_type": 1, "file_data": data, "srv_send_msg": False}
            info = self.call(connection, f"/v2/groups/{GROUP}/files", body)["file_info"]
            body = {"msg_type": 7, "content": " ", "media": {"file_info": info}}
            self.call(connection, f"/v2/groups/{GROUP}/messages", body)

        return send

    def upload(self, file, concurrency, digests):
        """Upload a file in chunks with requests; with or without the digests that QQ demands."""
        import requests

        if self.session is None:
            self.session = requests.Session()
        wanted = self.digests(file) if digests else {"file_size": Path(file).stat().st_size}
        plan = self.post("upload_prepare", {"file_type": 4, "file_name": "large.bin", **wanted})
        parts = queue.SimpleQueue()
        for part in plan["parts"]:
            parts.put(part)

        def work():
            with Path(file).open("rb") as source:
                while True:
                    try:
                        part = parts.get_nowait()
                    except queue.Empty:
                        return
                    start = (part["index"] - 1) * plan["block_size"]
                    body = Piece(source, start, plan["block_size"], digests)
                    self.session.put(part["presigned_url"], data=body).raise_for_status()
                    if digests:
                        told = {"upload_id": plan["upload_id"], "part_index": part["index"]}
                        told |= {"block_size": body.size, "md5": body.md5.hexdigest()}
                        self.post("upload_part_finish", told)

        threads = [threading.Thread(target=work) for _ in range(concurrency)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.post("files", {"upload_id": plan["upload_id"], "file_type": 4})

    def post(self, what, body):
        path = f"{self.api}/v2/groups/{GROUP}/{what}"
        return self.session.post(path, json=body, headers=self.headers).json()

    def digests(self, file):
        md5, sha1, first = hashlib.md5(), hashlib.sha1(), hashlib.md5()
        done = 0
        with Path(file).open("rb") as source:
            while block := source.read(256 * 1024):
                md5.update(block)
                sha1.update(block)
                first.update(block[: max(0, 10_002_432 - done)])
                done += len(block)
        found = {"md5": md5.hexdigest(), "sha1": sha1.hexdigest(), "md5_10m": first.hexdigest()}
        return {"file_size": done, **found}


class Piece:
    """A part of a file that requests sends as it reads it."""

    def __init__(self, file, start, most, digest):
        file.seek(0, 2)
        self.size = self.left = min(most, file.tell() - start)
        file.seek(start)
        self.file = file
        self.md5 = hashlib.md5() if digest else None

    def __len__(self):
        return self.size

    def read(self, amount=-1):
        block = self.file.read(min(self.left, amount) if amount > 0 else self.left)
        self.left -= len(block)
        if self.md5 is not None:
            self.md5.update(block)
        return block

    def __iter__(self):
        while block := self.read(BLOCK):
            yield block


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--api", required=True)
    bare = Bare(parser.parse_args().api)
    media_process.serve(bare.sender, bare.upload)
