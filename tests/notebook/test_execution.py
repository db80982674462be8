"""Real kernels: cells run again, logs under their cell, interrupts, restarts, whole notebooks."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from jupyter_client.manager import KernelManager
from nbclient import NotebookClient

from qqgroup_sync.simulator import Simulator
from tests.notebook.kernels import LIMIT, CellError, Kernel
from tests.web import free_port

EXAMPLE = Path(__file__).parents[2] / "examples" / "notebook.ipynb"

# The kernels are processes of their own: pytest's warnings and fixtures do not reach them, and
# what jupyter_client warns of is not ours.
pytestmark = [pytest.mark.filterwarnings("default"), pytest.mark.timeout(120)]

BEGIN = """
from qqgroup_sync import Client, Router
client = Client.simulated(language="en")
client.start()
group = client.simulator.platform.group("g")
ming = group.member("Ming")

def answer(text):
    ming.say(text)
    return group.next_reply().content

def silent(text):
    ming.say(text)
    try:
        return group.next_reply(0.2).content
    except AssertionError:
        return "silence"
"""


@pytest.fixture(scope="module")
def environment():
    """The environment of the kernels: nothing of this machine's."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("QQ_")}
    return {**kept, "QQ_STATE": "none", "PYTHONWARNINGS": "ignore"}


@pytest.fixture(scope="module")
def shared(environment, tmp_path_factory):
    """One kernel for the tests that do not end it."""
    kernel = Kernel(tmp_path_factory.mktemp("kernel"), **environment)
    yield kernel
    kernel.close()


@pytest.fixture
def kernel(shared):
    """The kernel, with a fresh client that is on line; cells have ids."""
    shared.run(BEGIN, "begin")
    yield shared
    shared.run("client.stop()")


def value(kernel, expression):
    """The value of an expression in the kernel, as text."""
    return kernel.run(f"print(({expression}))").text.strip()


# ---------------------------------------------------------------------- cells that are run again


def test_a_handler_of_a_later_cell_works_and_is_replaced(kernel):
    """Whatever its name; the same cell again is the same cell."""
    cell = "@client.on_group_message(keywords='hi')\ndef {}(message):\n    return '{}'"
    kernel.run(cell.format("first", "one"), "a")
    assert value(kernel, "answer('hi')") == "one"
    kernel.run(cell.format("second", "two"), "a")
    assert value(kernel, "answer('hi')") == "two"
    kernel.run("pass", "a")
    assert value(kernel, "silent('hi')") == "silence"


def test_another_cell_adds_even_under_the_same_name(kernel):
    """Cells replace, names do not; and a cell keeps its place in the order."""
    cell = "@client.on_group_message(keywords='hi', block=False)\ndef f(message):\n    return '{}'"
    kernel.run(cell.format("one"), "a")
    kernel.run(cell.format("two"), "b")
    kernel.run(cell.format("ONE"), "a")
    assert value(kernel, "answer('hi'), group.next_reply().content") == "('ONE', 'two')"


EVERYTHING = """
seen = []

def note(what, event):
    if getattr(event, "text", "") != "end":
        seen.append(what)

@client.on_message(keywords="hi", block=False)
def handler(message): seen.append("message")

@client.on_command("roll")
def roll(sides: int = 6): seen.append("command")

@client.on_event
def observer(event): note("observer", event)

@client.on_group_added
def added(event): seen.append("added")

@client.on_ready
def ready(): seen.append("ready")

@client.on_exception
def guard(error): seen.append("guard")

@client.middleware
def wrap(event, call_next):
    note("middleware", event)
    return call_next(event)

@client.message_created
def hook(message): note("hook", message)

@client.timed_task(each=3600, run_when_added=True)
def task(): seen.append("task")

@client.on_message(keywords="fail")
def fail(message): 1 / 0

router = Router()

@router.on_message(keywords="hi", block=False)
def routed(message): seen.append("router")

client.include(router)
"""


def test_every_kind_of_registration_is_replaced(kernel):
    """Run three times, each of them is there once."""
    for _ in range(3):
        kernel.run(EVERYTHING, "all")
    kernel.run(
        "client.on_group_message(keywords='end')(lambda message: 'ended')\n"
        "def after(text):\n"
        "    seen.clear()\n"
        "    ming.say(text)\n"
        "    answer('end')\n"
        "    return sorted(seen)",
        "after",
    )
    around = "'hook', 'middleware', 'observer'"
    assert value(kernel, "after('/roll')") == f"['command', {around}]"
    heard = "['hook', 'message', 'middleware', 'observer', 'router']"
    assert value(kernel, "after('hi')") == heard
    assert value(kernel, "after('fail')") == f"['guard', {around}]"
    assert value(kernel, "len(client.tasks), len(client.commands)") == "(1, 1)"
    assert value(kernel, "len(client._life._schedule.tasks)") == "1"
    assert value(kernel, "[one.name for one in client.ready_handlers]") == "['ready']"
    assert value(kernel, "len(client.handlers_for('GROUP_ADD_ROBOT'))") == "1"
    assert value(kernel, "answer('/help').count('/roll')") == "1"
    kernel.run("pass", "all")
    assert value(kernel, "after('hi'), client.commands, client.tasks") == "([], (), ())"


def test_a_cell_that_fails_leaves_the_bot_answering(kernel):
    """Until a run of it succeeds, what it had registered stays, after what it registers now."""
    cell = (
        "@client.on_group_message(keywords='hi')\ndef hi(message): return '{0} hi'\n{1}\n"
        "@client.on_group_message(keywords='bye')\ndef bye(message): return '{0} bye'"
    )
    kernel.run(cell.format("old", ""), "a")
    for broken in ("this is no Python", "1 / 0"):
        with pytest.raises(CellError):
            kernel.run(cell.format("new", broken), "a")
    assert value(kernel, "answer('hi'), answer('bye')") == "('new hi', 'old bye')"
    kernel.run(cell.format("newest", ""), "a")
    assert value(kernel, "answer('hi'), answer('bye')") == "('newest hi', 'newest bye')"


def test_old_handlers_are_gone_when_the_cell_begins_to_wait(kernel):
    """A cell that talks to the bot itself meets its own handlers only."""
    kernel.run("client.on_group_message(keywords='old')(lambda message: 'old')", "a")
    told = kernel.run(
        "client.on_group_message(keywords='new')(lambda message: 'new')\n"
        "client.wait_ready()\n"
        "print(silent('old'), answer('new'))",
        "a",
    )
    assert told.text.split() == ["silence", "new"]


def test_what_an_imported_module_registers_stays(kernel):
    """Importing again does nothing, so it must not take anything away."""
    cell = (
        "import pathlib, sys\n"
        "sys.path.insert(0, '.')\n"
        "pathlib.Path('parts_of_a_bot.py').write_text('''\n"
        "from qqgroup_sync import Router\n"
        "router = Router()\n"
        "router.on_message(keywords='part')(lambda message: 'of a module')\n"
        "''')\n"
        "import parts_of_a_bot\n"
        "client.include(parts_of_a_bot)"
    )
    for _ in range(3):
        kernel.run(cell, "a")
        assert value(kernel, "silent('part'), silent('x')") == "('of a module', 'silence')"


def test_threads_of_a_cell_only_add(kernel):
    """What another thread registers belongs to no cell."""
    cell = (
        "import threading\n"
        "register = client.on_event('GROUP_AT_MESSAGE_CREATE')\n"
        "thread = threading.Thread(target=register, args=(lambda event: None,))\n"
        "thread.start(); thread.join()\n"
        "len(client.observers_of('GROUP_AT_MESSAGE_CREATE'))"
    )
    assert [kernel.run(cell, "a").result for _ in range(2)] == ["1", "2"]


def test_no_message_falls_between_two_runs_of_a_cell(kernel):
    """Under traffic, with handlers that come, go and change places: each is answered once."""
    handlers = {
        word: f"@client.on_group_message(keywords={word!r}, block={word != 'bees'})\n"
        f"def on_{word}(message):\n"
        f"    return {word!r}\n"
        "pause.wait(0.004)\n"
        for word in ("ants", "bees", "cats")
    }
    orders = (
        ("ants", "bees", "cats"),
        ("cats", "ants", "bees"),
        ("ants", "bees", "cats", "ants"),
        ("cats", "bees", "ants"),
    )
    kernel.run("import threading, collections\npause = threading.Event()")
    kernel.run("\n".join(handlers.values()), "a")
    kernel.run(
        "go_on, said = True, collections.Counter()\n"
        "people = [group.member(f'person {number}') for number in range(8)]\n"
        "def talk():\n"
        "    while go_on:\n"
        "        for person in people:\n"
        "            for word in ('ants', 'bees', 'cats'):\n"
        "                person.say(word); said[word] += 1; pause.wait(0.001)\n"
        "talking = threading.Thread(target=talk); talking.start()"
    )
    try:
        for number in range(24):
            order = orders[number % len(orders)]
            kernel.run(f"# {number}\n" + "\n".join(handlers[word] for word in order), "a")
    finally:
        kernel.run("go_on = False; talking.join()")
    told = kernel.run(
        "heard = collections.Counter()\n"
        "while sum(heard.values()) < sum(said.values()):\n"
        "    heard[group.next_reply(10).content] += 1\n"
        "try:\n"
        "    heard[group.next_reply(0.3).content] += 1\n"
        "except AssertionError:\n"
        "    pass\n"
        "print(heard == said, sum(said.values()) > 100)"
    )
    assert told.text.split() == ["True", "True"]


# ---------------------------------------------------------------------- without cell ids


def test_without_ids_an_unchanged_cell_is_replaced(kernel):
    """Its source tells which it is; an edited one is taken for another cell."""
    cell = "client.on_group_message(keywords='hi', block=False)(lambda message: '{}')"
    for _ in range(3):
        kernel.run(cell.format("one"))
    assert value(kernel, "answer('hi'), silent('x')") == "('one', 'silence')"
    kernel.run(cell.format("two"))
    assert value(kernel, "answer('hi'), group.next_reply().content") == "('one', 'two')"


def test_ipython_in_a_terminal_knows_its_inputs(environment, tmp_path):
    """The same input again replaces, starting twice is forgiven, the log goes to the terminal."""
    cell = "client.on_message(keywords='hi', block=False)(lambda message: 'yes')"
    lines = [
        "from qqgroup_sync import Client",
        "client = Client.simulated()",
        "client.log()",
        "client.start()",
        "client.start()",
        cell,
        cell,
        "client.simulator.platform.user('Lan').say('hi')",
        "print('said', client.simulator.platform.user('Lan').next_reply().content)",
        "print('handlers', len(client.own.handlers['message']))",
        "client.stop()",
        "exit",
    ]
    told = subprocess.run(
        [sys.executable, "-m", "IPython", "--simple-prompt", "--no-banner", "--colors=NoColor"],
        input="\n".join(lines),
        capture_output=True,
        text=True,
        timeout=60,
        cwd=tmp_path,
        env={**environment, "IPYTHONDIR": str(tmp_path), "PYTHONIOENCODING": "utf-8"},
        check=True,
    )
    assert "said yes" in told.stdout
    assert "handlers 1" in told.stdout
    assert told.stderr.count("the bot runs already") == 1


# ---------------------------------------------------------------------- log and inbox


def test_logs_and_errors_appear_under_the_cell_that_asked(kernel):
    """From the bot's threads, while other cells run and while none does."""
    log = kernel.run("client.log()", "log")
    other = kernel.run("client.on_group_message(keywords='fail')(lambda message: 1 / 0)", "fail")
    last = kernel.run("ming.say('fail')")
    kernel.until(lambda: "ZeroDivisionError" in log.html)
    assert "Cell In[" in log.html
    assert "dispatcher.py" not in log.html
    assert (other.warnings, last.warnings, len(log.pages)) == ("", "", 1)
    again = kernel.run("client.log()", "log")
    kernel.run("ming.say('fail')")
    kernel.until(lambda: "ZeroDivisionError" in again.html)
    assert log.html.count("ZeroDivisionError") == 1
    assert value(kernel, "len(__import__('logging').getLogger('qqgroup_sync').handlers)") == "1"


def test_the_inbox_holds_what_came_before_it_was_asked_for(kernel):
    """In a notebook it fills from the start."""
    kernel.run("client.on_group_message(lambda message: 'yes')", "a")
    kernel.run("answer('first'); answer('second')")
    shown = kernel.run("client.inbox")
    assert [line.split()[-1] for line in shown.result.splitlines()[1:]] == ["first", "second"]
    assert "<td" in shown.html
    kernel.run("client.on_group_message(lambda message: 'no')", "a")
    assert value(kernel, "answer('third'), len(client.inbox)") == "('no', 3)"


# ---------------------------------------------------------------------- starting and interrupting


def test_the_cell_that_makes_the_client_is_run_again(kernel):
    """The earlier client is stopped with a warning, so that the bot answers once."""
    log = kernel.run("client.log()", "log")
    kernel.run(
        "earlier = client\n"
        "client = Client.simulated(simulator=earlier.simulator)\n"
        "earlier.on_group_message(lambda message: 'earlier')\n"
        "client.on_group_message(lambda message: 'later')\n"
        "client.start()"
    )
    assert value(kernel, "answer('hi'), silent('x')") == "('later', 'later')"
    assert value(kernel, "earlier.running, client.running") == "(False, True)"
    kernel.until(lambda: "another client of bot simulated was still running" in log.html)
    kernel.run("client.stop(); client = earlier")


def test_a_private_platform_goes_with_its_client(kernel):
    """Running the cell with Client.simulated() again leaves no second platform behind."""
    kernel.run(BEGIN, "begin")
    threads = "[one.name for one in __import__('threading').enumerate()]"
    assert value(kernel, f"{threads}.count('simulator-gateway')") == "1"


def test_starting_twice_changes_nothing(kernel):
    """With a warning in the log."""
    log = kernel.run("client.log()", "log")
    kernel.run("client.on_group_message(lambda message: 'yes')\nclient.start()\nclient.start()")
    assert value(kernel, "answer('hi'), silent('x')") == "('yes', 'yes')"
    kernel.until(lambda: "the bot runs already" in log.html)


def test_an_interrupted_cell_leaves_the_bot_running(kernel):
    """The stop button ends the waiting, not the bot."""
    kernel.run("client.on_group_message(lambda message: 'yes')", "a")
    for call in ("client.wait()", "client.wait_for('GROUP_ADD_ROBOT')"):
        waiting = kernel.send(f"print('waits', flush=True)\n{call}")
        kernel.until(lambda waiting=waiting: "waits" in waiting.text)
        kernel.manager.interrupt_kernel()
        kernel.until(lambda waiting=waiting: waiting.idle)
        assert "KeyboardInterrupt" in waiting.error
        assert value(kernel, "answer('hi')") == "yes"


def test_the_stop_button_ends_run(kernel):
    """Gracefully, whether or not the bot ran before, and it can be started again."""
    kernel.run("client.on_group_message(lambda message: 'yes')", "a")
    for prepare in ("", "client.start()"):
        running = kernel.send(
            f"{prepare}\n"
            "import threading\n"
            "threading.Thread(target=lambda: print(answer('hi'), flush=True)).start()\n"
            "client.run()\n"
            "print('ended', client.status.state)"
        )
        kernel.until(lambda running=running: "yes" in running.text)
        kernel.manager.interrupt_kernel()
        kernel.until(lambda running=running: running.idle)
        assert not running.error
        assert "ended offline" in running.text
        kernel.run("client.start()")
        assert value(kernel, "answer('hi')") == "yes"


# ---------------------------------------------------------------------- restarts, whole notebooks


def test_a_restarted_kernel_gets_its_port_again(environment, tmp_path):
    """The resource service's and the simulator's: media='serve' would refuse to start."""
    port, rest, gateway = free_port(), free_port(), free_port()
    kernel = Kernel(tmp_path, **environment)
    cell = (
        "from qqgroup_sync import Chain, Client, QQGroupChainBuilderOptions\n"
        "from qqgroup_sync.simulator import Simulator\n"
        f"simulator = Simulator(port={rest}, gateway_port={gateway}, max_concurrency=100)\n"
        "client = Client.simulated(simulator=simulator, media='serve',\n"
        f"    default_chain_builder_options=QQGroupChainBuilderOptions('127.0.0.1', {port}))\n"
        "client.start()\n"
        "print(client.status.state, client.status.resources)"
    )
    try:
        for hard in (False, True):
            assert "online" in kernel.run(cell).text
            with socket.create_connection(("127.0.0.1", port)):
                kernel.restart(now=hard)
        assert "online" in kernel.run(cell).text
    finally:
        kernel.close()


@pytest.fixture
def platform():
    """A platform outside of the kernel, for notebooks with a real client."""
    with Simulator(max_concurrency=100) as simulator:
        yield simulator


def executor(notebook, folder, environment):
    """Run a notebook's cells in one kernel, as nbclient and CI do."""
    client = NotebookClient(notebook, timeout=LIMIT, kernel_manager_class=KernelManager)
    return client, client.setup_kernel(env=environment, cwd=str(folder))


def run_all(client):
    """Run every cell from top to bottom."""
    for index, cell in enumerate(client.nb.cells):
        client.execute_cell(cell, index)


def shown(cell):
    """What stands below a cell."""
    return "".join(
        output.get("text", "") + output.get("data", {}).get("text/html", "")
        for output in cell.outputs
    )


def test_the_example_runs_twice_and_after_a_restart(environment, tmp_path):
    """From top to bottom, in one kernel, with the same answers."""
    client, kernel = executor(nbformat.read(EXAMPLE, as_version=4), tmp_path, environment)
    with kernel:
        for again in (False, False, True):
            if again:
                client.km.restart_kernel()
                client.kc.wait_for_ready(timeout=LIMIT)
            run_all(client)
            (talk,) = (cell for cell in client.nb.cells if "ming.say" in cell.source)
            greeting, total = shown(talk).splitlines()
            assert greeting.startswith("hi ")
            assert total == "3"
            whole = "".join(shown(cell) for cell in client.nb.cells if cell.cell_type == "code")
            for wanted in (
                "on line as bot-simulated",
                "/add 1 2",
                "GroupMessage",
                "data:image/png",
            ):
                assert wanted in whole


def test_a_notebook_with_a_real_client_answers_once_when_run_again(platform, environment, tmp_path):
    """Whose client cell makes a new client each time, and whose handlers follow after."""
    sources = [
        "from qqgroup_sync import Client\nclient = Client('1', 's', media='upload')",
        "client.start()\nclient.wait_ready()",
        "@client.on_group_message\ndef echo(message):\n    return message.text",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(one) for one in sources])
    client, kernel = executor(notebook, tmp_path, {**environment, "QQ_SIMULATOR": platform.url})
    group = platform.platform.group("g")
    with kernel:
        for number in range(3):
            run_all(client)
            group.member("Ming").say(f"number {number}")
            assert group.next_reply(LIMIT).content == f"number {number}"
            assert len(platform.platform.sessions.live()) == 1
    assert platform.platform.stats["replies_accepted"] == 3
