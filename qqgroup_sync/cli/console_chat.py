"""A chat in the terminal: lines are said to the bot, lines that begin with / do other things."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from qqgroup_sync.cli.display import is_terminal, shortened
from qqgroup_sync.cli.faults import FaultError, read_fault
from qqgroup_sync.cli.play import PATIENCE
from qqgroup_sync.cli.scenario import BadLineError, read_path, read_person
from qqgroup_sync.cli.talk import GROUP, TalkError
from qqgroup_sync.errors import Text

if TYPE_CHECKING:
    from collections.abc import Callable

    from qqgroup_sync.cli.answers import Answers
    from qqgroup_sync.cli.display import Display
    from qqgroup_sync.cli.script import Script
    from qqgroup_sync.cli.talk import Talk
    from qqgroup_sync.simulator import Simulator

_COMMAND = re.compile(r"/(\w+)(?:\s+(.*))?", re.DOTALL)
_WELCOME = Text(
    "Type what you say to the bot. /help tells what else can be done; /quit or Ctrl-C ends it.",
    "输入要对机器人说的话。/help 查看其他操作；/quit 或 Ctrl-C 结束。",
)
_HELP = Text(
    """\
/as Lan            speak as Lan; /as Lan@group there
/in GROUP          speak in another group; /in alone lists them
/private           speak to the bot in private
/1, /2, ...        press a button of the newest keyboard; /click LABEL any other
/file cat.png      send a picture or a file, and a text if one follows
/voice hello.wav   send a voice, and the words that QQ recognises in it
/quote             quote the bot's last answer with the next line
/fault op 7        let something go wrong; /fault alone lists what can
/who               who is here
/quit              end, as Ctrl-C and Ctrl-D do
//help             say "/help" to the bot: two slashes send one""",
    """\
/as Lan            以 Lan 的身份说话；/as Lan@群名 同时换群
/in 群名           换一个群说话；只写 /in 列出所有群
/private           与机器人私聊
/1、/2……           按下最新键盘上的按钮；/click 文字 按下其他按钮
/file cat.png      发送图片或文件，后面可以再写一句话
/voice hello.wav   发送语音，后面可以写 QQ 识别出的文字
/quote             下一句话引用机器人的上一条回复
/fault op 7        制造故障；只写 /fault 列出所有故障
/who               这里有谁
/quit              结束，与 Ctrl-C、Ctrl-D 相同
//help             对机器人说“/help”：两个斜杠发送一个""",
)


class ConsoleChat:
    """Reads lines until they end.

    Args:
        simulator: The platform; the bot is on line.
        script: The bot.
        talk: Who speaks, and where.
        answers: What the bot says.
        display: Where it is shown.
    """

    def __init__(
        self,
        simulator: Simulator,
        script: Script,
        talk: Talk,
        answers: Answers,
        display: Display,
    ) -> None:
        self._simulator = simulator
        self._script = script
        self._talk = talk
        self._answers = answers
        self._display = display
        self._by_hand = is_terminal(sys.stdin)
        self._ended = False
        self._prompt = ""

    def run(self) -> None:
        """Chat until the input ends, or Ctrl-C."""
        if self._by_hand:
            self._display.note(_WELCOME.in_language())
            if is_terminal(sys.stdout):
                _prepare_readline()
        try:
            while not self._ended and (line := self._read()) is not None:
                self.take(line)
        except KeyboardInterrupt:
            self._display.note(Text("stopping", "正在结束").in_language())

    def take(self, line: str) -> None:
        """Do what one line says."""
        text = line.strip()
        if not text:
            return
        try:
            found = _COMMAND.fullmatch(text)
            command = _COMMANDS.get(found[1].lower()) if found is not None else None
            if text[0] in "!！":
                self.fault(text[1:].strip())
            elif found is not None and command is not None:
                command(self, (found[2] or "").strip())
            elif found is not None and found[1].isdecimal() and self._press(int(found[1])):
                pass
            else:
                self._say(text[1:] if text.startswith("//") else text)
        except (TalkError, FaultError, BadLineError) as error:
            self._display.problem(str(error))
        self._look_at_script()

    def _read(self) -> str | None:
        """Return the next line, None at the end."""
        if not self._by_hand:
            return (sys.stdin and sys.stdin.readline()) or None
        self._prompt = f"{self._talk.name}> "
        try:
            return self._display.ask(self._prompt)
        except EOFError:
            return None

    def _say(self, text: str) -> None:
        if self._by_hand:
            self._display.erase(self._prompt, text)
        self._answers.forget()
        self._talk.say(text)
        self._settle()

    def _settle(self) -> None:
        """Wait for the answers, where the next line does not wait for a person."""
        if not self._by_hand:
            self._answers.settle(PATIENCE)

    def _press(self, number: int) -> bool:
        """Press a button by its number; return whether there is one."""
        found = self._talk.buttons()
        if not 1 <= number <= len(found):
            return False
        self._answers.forget()
        if told := self._talk.press(found[number - 1]):
            self._display.note(told)
        self._settle()
        return True

    def _look_at_script(self) -> None:
        if (code := self._script.poll()) is not None:
            self._display.problem(
                Text(
                    f"{self._script.path.name} has ended (exit code {code}): nobody answers.",
                    f"{self._script.path.name} 已结束（退出码 {code}）：不会再有回复。",
                ).in_language()
            )

    # ------------------------------------------------------------------ commands

    def help(self, _rest: str) -> None:
        """Tell what can be done."""
        self._display.note(_HELP.in_language())

    def quit(self, _rest: str) -> None:
        """End."""
        self._ended = True

    def become(self, rest: str) -> None:
        """Speak as another person."""
        person, group = read_person("/as", rest, group_needed=False)
        self._talk.person = person
        if group is not None:
            self._talk.group = group

    def go(self, rest: str) -> None:
        """Speak in another group, or list the groups."""
        if rest:
            self._talk.group = rest.lstrip("@＠")
        else:
            names = [group.name for group in self._simulator.platform.groups] or [GROUP]
            self._display.note("\n".join(names))

    def go_private(self, _rest: str) -> None:
        """Speak in private."""
        self._talk.group = None

    def click(self, rest: str) -> None:
        """Press a button by its label."""
        self._answers.forget()
        if told := self._talk.press(self._talk.find_button(rest)):
            self._display.note(told)
        self._settle()

    def send_file(self, rest: str) -> None:
        """Send a file."""
        name, text = read_path("/file", rest)
        self._answers.forget()
        self._talk.send_file(Path(name).expanduser(), text)
        self._settle()

    def send_voice(self, rest: str) -> None:
        """Send a voice."""
        name, words = read_path("/voice", rest)
        self._answers.forget()
        self._talk.send_voice(Path(name).expanduser(), words)
        self._settle()

    def quote(self, _rest: str) -> None:
        """Quote the last answer with the next line."""
        quoted = self._talk.quote_next()
        self._display.note(f"▎ {quoted.sender.name}: {shortened(quoted.text)}")

    def who(self, _rest: str) -> None:
        """List the people of the group."""
        people = [self._talk.name]
        if self._talk.group is not None:
            group = self._simulator.platform.group(self._talk.group)
            members = list(group.members.values())
            people += [
                f"  {member.name} ({member.role})"
                for member in members
                if member.name != self._talk.person
            ]
        people += [f"  {bot.name} (bot)" for bot in self._simulator.platform.bots]
        self._display.note("\n".join(people))

    def fault(self, rest: str) -> None:
        """Let something go wrong, or list what can."""
        found = read_fault(rest)
        found.act(self._simulator, self._simulator.platform.group(self._talk.group or GROUP))
        self._display.result({"kind": "fault", "text": rest}, f"! {rest}")


def _prepare_readline() -> None:
    """Have arrow keys and a history, where there are, and characters of every language."""
    if importlib.util.find_spec("readline") is None:
        return
    import readline  # noqa: PLC0415 - not everywhere

    # In a locale without Chinese, such as C, it would take the bytes of a character for Meta keys.
    for setting in ("set input-meta on", "set convert-meta off", "set output-meta on"):
        readline.parse_and_bind(setting)


_COMMANDS: dict[str, Callable[[ConsoleChat, str], None]] = {
    "as": ConsoleChat.become,
    "in": ConsoleChat.go,
    "private": ConsoleChat.go_private,
    "click": ConsoleChat.click,
    "file": ConsoleChat.send_file,
    "voice": ConsoleChat.send_voice,
    "quote": ConsoleChat.quote,
    "who": ConsoleChat.who,
    "fault": ConsoleChat.fault,
    "help": ConsoleChat.help,
    "quit": ConsoleChat.quit,
    "exit": ConsoleChat.quit,
}
