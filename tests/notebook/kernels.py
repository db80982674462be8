"""A real kernel, driven as a front-end drives it: requests with cell ids, outputs by cell."""

from __future__ import annotations

import time
from collections import defaultdict

from jupyter_client.manager import KernelManager

LIMIT = 30.0  # seconds; a test that needs them has failed


class CellError(Exception):
    """A cell ended with an exception."""


class Output:
    """What one execution has shown so far."""

    def __init__(self):
        self.text = ""  # what it printed
        self.warnings = ""  # what went to stderr
        self.pages = []
        self.error = ""
        self.idle = False

    @property
    def html(self):
        """All displays as HTML, or as text where there is none."""
        return "\n".join(page.get("text/html", page.get("text/plain", "")) for page in self.pages)

    @property
    def result(self):
        """The last display as text."""
        return self.pages[-1]["text/plain"] if self.pages else ""


class Kernel:
    """One kernel, and the outputs of its cells."""

    def __init__(self, folder, **environment):
        self.manager = KernelManager(kernel_name="python3")
        self.manager.start_kernel(env=environment, cwd=str(folder))
        self.client = self.manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=LIMIT)
        self._outputs = defaultdict(Output)
        self._displays = {}

    def restart(self, *, now):
        """Restart the kernel, asking it to end or not."""
        self.manager.restart_kernel(now=now)
        self.client.wait_for_ready(timeout=LIMIT)

    def close(self):
        """End the kernel at once."""
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)
        self.manager.cleanup_resources()

    def send(self, source, cell=None):
        """Ask for a cell to be run; return what will be its output."""
        content = {
            "code": source,
            "silent": False,
            "store_history": True,
            "user_expressions": {},
            "allow_stdin": False,
            "stop_on_error": False,
        }
        metadata = {} if cell is None else {"cellId": cell}
        message = self.client.session.msg("execute_request", content, metadata=metadata)
        self.client.shell_channel.send(message)
        return self._outputs[message["header"]["msg_id"]]

    def run(self, source, cell=None):
        """Run a cell and return its output; fail when it raises."""
        output = self.send(source, cell)
        self.until(lambda: output.idle)
        if output.error:
            raise CellError(output.error)
        return output

    def until(self, condition):
        """Take messages of the kernel until a condition holds."""
        ends = time.monotonic() + LIMIT
        while not condition():
            left = ends - time.monotonic()
            assert left > 0, "not in time"
            self._take(self.client.get_iopub_msg(timeout=left))

    def _take(self, message):
        output = self._outputs[message["parent_header"].get("msg_id")]
        kind, content = message["msg_type"], message["content"]
        if kind == "stream":
            if content["name"] == "stdout":
                output.text += content["text"]
            else:
                output.warnings += content["text"]
        elif kind == "error":
            output.error = "\n".join([content["ename"], content["evalue"], *content["traceback"]])
        elif kind == "status":
            output.idle = content["execution_state"] == "idle"
        elif kind in ("display_data", "execute_result"):
            page = dict(content["data"])
            output.pages.append(page)
            self._displays[content.get("transient", {}).get("display_id")] = page
        elif kind == "update_display_data":
            self._displays[content["transient"]["display_id"]].update(content["data"])
