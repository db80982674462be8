"""The floors of the house: imports go strictly downward, and some things are done in one place."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import qqgroup_sync

ROOT = Path(qqgroup_sync.__file__).parent

# From the roof to the cellar. A name stands for a module, or for a room with all its modules;
# the longest name that fits decides.
FLOORS = (
    ("__main__",),
    ("cli", "testing"),
    ("accounts",),
    ("client",),
    ("seeing",),
    ("starts",),
    ("foreground", "orphans"),
    ("notebook", "running"),
    ("life",),
    ("lasting", "shards"),
    ("dispatch",),
    ("sending",),
    (
        *("gateway.runner", "gateway.heartbeat", "gateway.discovery"),
        *("media.builder", "media.serving", "media.hosting", "media.upload", "media.chunks"),
        *("media.ladder", "media.puts", "media.ways", "media.file_infos", "media.progress"),
        *("media.resource_server", "media.resource_app", "media.shelf", "media.http_loop"),
        *("media.plain_gets", "media.listening", "media.public_address", "media.probe"),
    ),
    ("api",),
    (
        *("gateway.session", "gateway.connection", "state", "media.temp_files"),
        *("media.voice", "media.audio", "media.silk", "media.wav", "media.pcm", "media.child"),
    ),
    ("message",),
    (
        *("events", "gateway.frames"),
        *(
            "media.sources",
            "media.names",
            "media.paths",
            "media.pictured",
            "media.checks",
            "media.formats",
            "media.endings",
        ),
        "media.images",
    ),
    ("runtime", "settings", "status", "console", "network"),
    ("rates",),
    ("errors", "rich"),
    ("error_codes", "masking"),
)
MAY_START_THE_SIMULATOR = ("cli", "notebook", "testing")
SPREAD_ROOMS = ("gateway.__init__", "media.__init__")  # on several floors: they import nothing


PLUG_IN = "simulator.fixtures"  # pytest loads it by this name; it hands over to testing


def room_of(module):
    """Return the folder of a module, or the module itself when it lies in none."""
    return module.partition(".")[0]


def floor_of(module):
    """Return the number of a module's floor, the cellar being the highest number."""
    for length in range(module.count(".") + 1, 0, -1):
        name = ".".join(module.split(".")[:length])
        for number, names in enumerate(FLOORS):
            if name in names:
                return number
    pytest.fail(f"{module} has no place on the floors: give it one in tests/test_layers.py")


def nodes(tree):
    """Yield every node except those under ``if TYPE_CHECKING``."""
    yield tree
    for child in ast.iter_child_nodes(tree):
        types_only = isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test)
        for inner in child.orelse if types_only else [child]:
            yield from nodes(inner)


def imported_names(tree):
    """Yield the dotted names that a module imports, also inside functions."""
    for node in nodes(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports in the package are absolute"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


TREES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts): ast.parse(path.read_text("utf-8"))
    for path in ROOT.rglob("*.py")
}


def module_of(dotted):
    """Return the module of the package that a dotted name means, "" for the package itself."""
    parts = dotted.split(".")[1:]
    for length in range(len(parts), 0, -1):
        name = ".".join(parts[:length])
        if name in TREES:
            return name
        if f"{name}.__init__" in TREES:
            return f"{name}.__init__"
    return ""


IMPORTS = {
    name: {
        module_of(dotted)
        for dotted in imported_names(tree)
        if dotted.split(".")[0] == "qqgroup_sync"
    }
    - {"", "__init__"}
    for name, tree in TREES.items()
}
CLIENT = sorted(name for name in TREES if room_of(name) not in ("simulator", "__init__"))
SIMULATOR = sorted(name for name in TREES if room_of(name) == "simulator")


def users_of(*wanted, inside):
    """Return which modules use one of the dotted names, as an attribute or by import."""
    found = {}
    for name in inside:
        used = {ast.unparse(node) for node in nodes(TREES[name]) if isinstance(node, ast.Attribute)}
        used |= set(imported_names(TREES[name]))
        if hits := used & set(wanted):
            found[name] = hits
    return found


@pytest.mark.parametrize("module", CLIENT)
def test_imports_go_downward(module):
    """A module knows only what lies below it, and its own room on its own floor."""
    if module in SPREAD_ROOMS:
        assert IMPORTS[module] == set()
        return
    wrong = [
        target
        for target in IMPORTS[module]
        if room_of(target) != "simulator"
        and floor_of(target) <= floor_of(module)
        and (floor_of(target), room_of(target)) != (floor_of(module), room_of(module))
    ]
    assert wrong == []


def test_no_module_imports_itself_by_way_of_others():
    """There is no circle of imports, not even inside a room or inside functions."""
    finished, path = set(), []

    def visit(module):
        assert module not in path, " -> ".join([*path[path.index(module) :], module])
        if module in finished:
            return
        path.append(module)
        for target in sorted(IMPORTS[module]):
            visit(target)
        path.pop()
        finished.add(module)

    for module in sorted(IMPORTS):
        visit(module)


def test_the_simulator_stands_apart():
    """Client and simulator share no code, so that one catches the mistakes of the other."""
    foreign = {
        module: sorted(target for target in IMPORTS[module] if room_of(target) != "simulator")
        for module in SIMULATOR
        if module != PLUG_IN
    }
    assert {room_of(target) for target in IMPORTS[PLUG_IN]} == {"testing"}
    assert not any(PLUG_IN in IMPORTS[module] for module in TREES)
    assert {module: targets for module, targets in foreign.items() if targets} == {}


def test_only_the_command_line_and_notebooks_start_the_simulator():
    """A bot never loads the simulator."""
    users = {
        module for module in CLIENT if any(room_of(one) == "simulator" for one in IMPORTS[module])
    }
    assert {user for user in users if room_of(user) not in MAY_START_THE_SIMULATOR} == set()


def test_nothing_sleeps():
    """Every wait ends when its owner stops it."""
    assert users_of("time.sleep", inside=TREES) == {}


def test_no_thread_pool_outlives_its_owner():
    """At exit a ThreadPoolExecutor waits for a running handler."""
    names = ("concurrent.futures.ThreadPoolExecutor", "futures.ThreadPoolExecutor")
    assert users_of(*names, inside=TREES) == {}


def test_threads_begin_in_one_place():
    """Every thread of the client is a Service: named, owned, joined."""
    threads = ("threading.Thread", "threading.Timer")
    assert set(users_of(*threads, inside=CLIENT)) == {"runtime.service"}


def test_only_the_connection_knows_websocket_client():
    """Another WebSocket library would change one module."""
    roots = {
        name: {dotted.partition(".")[0] for dotted in imported_names(TREES[name])}
        for name in CLIENT
    }
    assert {name for name in CLIENT if "websocket" in roots[name]} == {"gateway.connection"}


def test_nothing_but_the_command_line_prints():
    """A library logs; only a command writes to the terminal."""
    printing = [
        name
        for name, tree in TREES.items()
        if room_of(name) not in ("cli", "__main__")
        and any(
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id == "print"
            for node in nodes(tree)
        )
    ]
    assert printing == []


def test_nothing_runs_what_came_in():
    """No text becomes code or objects; no shell is asked; no name of a file can be guessed."""
    modules = ("pickle", "shelve", "marshal", "yaml", "dill", "jsonpickle")
    calls = ("eval", "exec", "os.system", "os.popen", "tempfile.mktemp", "subprocess.getoutput")
    found = users_of(*calls, inside=TREES)
    for name, tree in TREES.items():
        roots = {dotted.partition(".")[0] for dotted in imported_names(tree)}
        bare = {
            node.func.id
            for node in nodes(tree)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        }
        shells = {
            "shell=True"
            for node in nodes(tree)
            if isinstance(node, ast.keyword)
            and node.arg == "shell"
            and not (isinstance(node.value, ast.Constant) and node.value.value is False)
        }
        if hits := roots & {*modules} | bare & {"eval", "exec"} | shells:
            found[name] = found.get(name, set()) | hits
    assert found == {}
