"""The bot that faults are done to, as a user would write it; run by the bench in a process.

``FAULT_BENCH`` holds its options as JSON. The first word of a message says what its handler does.
"""

import faulthandler
import json
import multiprocessing
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time

from world import World

options = json.loads(os.environ["FAULT_BENCH"])
world = World(options["world"])
real_time, real_look_up = time.time, socket.getaddrinfo


def told_time():
    """Return what the clock of this machine says, as long as nobody sets it right."""
    return real_time() + world.clock_offset


def look_up(*arguments, **more):
    """Resolve a name, when the resolver answers."""
    if world.dns_fails:
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
    return real_look_up(*arguments, **more)


time.time, socket.getaddrinfo = told_time, look_up
faulthandler.register(signal.SIGUSR1)  # shows where every thread is

from qqgroup_sync import Chain, Client  # noqa: E402 - it shall see this world
from qqgroup_sync.runtime.clock import Clock  # noqa: E402


class OtherClock(Clock):
    """A clock that runs faster since ``epoch``, or one whose waits alone are shorter."""

    speed = options.get("speed", 1.0)
    hurry = options.get("hurry", 1.0) * speed
    epoch = options.get("epoch", 0.0)

    def monotonic(self):
        return time.monotonic() * self.speed

    def time(self):
        return self.epoch + (time.time() - self.epoch) * self.speed

    def wait(self, event, seconds):
        return event.wait(None if seconds is None else seconds / self.hurry)


client = Client(clock=OtherClock(), **options.get("client", {}))
pause = threading.Event()
PICTURE = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360"
    "60606000000005000157cdc9b80000000049454e44ae426082"
)


def first(word):
    """Match messages that begin with this word."""
    return re.compile(f"^{word} ")


def take_time():
    """Take as long as the bench wants handlers to take."""
    if options.get("handler_ms"):
        pause.wait(options["handler_ms"] / 1000)


@client.on_message
def answer(message):
    """Answer what no other handler takes."""
    take_time()
    return f"re {message.text}"


@client.on_message(keywords=first("raise"), level=1)
def fail(message):
    """Answer, then raise."""
    message.reply(f"re {message.text}")
    raise RuntimeError("a defect of the user's")


@client.on_message(keywords=first("exit"), level=1)
def leave(message):
    """Answer, then try to end the program."""
    message.reply(f"re {message.text}")
    sys.exit(3)


@client.on_message(keywords=first("hang"), level=1)
def hang(message):
    """Answer, then never return."""
    message.reply(f"re {message.text}")
    pause.wait()


@client.on_message(keywords=first("threads"), level=1)
def answer_from_a_thread(message):
    """Start many threads, one of which answers; an answer after the return has no order."""
    threads = [threading.Thread(target=take_time) for _ in range(20)]
    threads.append(threading.Thread(target=message.reply, args=[f"re {message.text}"]))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@client.on_message(keywords=first("fork"), level=1)
def fork(message):
    """Fork in each of the ways that handlers do; what the children do must not show."""
    child = os.fork()
    if not child:
        os._exit(0)
    os.waitpid(child, 0)
    other = multiprocessing.get_context("fork").Process(target=take_time)
    other.start()
    other.join()
    subprocess.run([sys.executable, "-c", ""], check=True)
    return f"re {message.text}"


@client.on_message(keywords=first("stop"), level=1)
def stop(message):
    """Answer, then stop the bot."""
    message.reply(f"re {message.text}")
    client.stop()


@client.on_message(keywords=first("keep"), level=1)
def keep(message):
    """Use both stores of the user."""
    client.storage.increment("kept")
    message.session["last"] = message.text
    return f"re {message.text}"


@client.on_message(keywords=first("picture"), level=1)
def draw(message):
    """Answer with a picture."""
    return Chain().text(f"re {message.text}").image(PICTURE + message.id.encode())


@client.on_message(keywords=first("mute"), level=1)
def lose(message):
    """Lose a message: the referee has to notice."""


@client.on_message(keywords=first("twice"), level=1)
def double(message):
    """Answer twice: the referee has to notice."""
    message.reply(f"re {message.text}")
    return f"re {message.text}"


@client.on_message(keywords=first("many"), level=1)
def use_memory(message):
    """Allocate, as handlers do, and forget it."""
    words = [f"{message.text} {number}" for number in range(1000)]
    return f"re {words[0].rpartition(' ')[0]}"


if hasattr(signal, "alarm"):
    signal.alarm(options.get("life", 3600))  # a bench that dies leaves nothing behind for ever
client.run()
