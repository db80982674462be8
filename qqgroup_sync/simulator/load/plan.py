"""Which messages a load consists of: who says what, where and when. Nothing here waits."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator

Scene = Literal["group", "private"]
SCENES: tuple[Scene, ...] = ("group", "private")


@dataclass(frozen=True, slots=True)
class Planned:
    """One message that will be said.

    Attributes:
        number: Its place in the load, from 0.
        at: Seconds after the begin.
        scene: Where it is said.
        group: Name of the group; "" in private.
        person: Name of the person.
        text: What is said, placeholders included: the key to what the probe found.
    """

    number: int
    at: float
    scene: Scene
    group: str
    person: str
    text: str

    @property
    def words(self) -> str:
        """What is said."""
        return fill(self.text, self.number, self.person, self.group)


@dataclass(frozen=True, slots=True)
class Plan:
    """How heavy the traffic is; checked once.

    Attributes:
        groups: How many groups.
        persons: How many people are in each group; they also write in private.
        rate: Messages a second.
        seconds: How long, after the warm-up.
        warm_up: Seconds before that with the same traffic, which do not count.
        private: Share of private messages, 0 to 1.
        grace: Seconds after which a message without an answer is lost.
        seed: Two loads with one seed and the same figures are the same.
    """

    groups: int = 100
    persons: int = 10
    rate: float = 500.0
    seconds: float = 30.0
    warm_up: float = 2.0
    private: float = 0.0
    grace: float = 10.0
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("groups", "persons", "rate", "seconds"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} must be more than 0, not {getattr(self, name)}")
        for name in ("warm_up", "grace"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must not be negative, is {getattr(self, name)}")
        if not 0 <= self.private <= 1:
            raise ValueError(f"private is a share between 0 and 1, not {self.private}")

    @property
    def scenes(self) -> tuple[Scene, ...]:
        """Where messages are said."""
        return tuple(
            scene
            for scene, share in zip(SCENES, (1 - self.private, self.private), strict=True)
            if share
        )

    @property
    def length(self) -> float:
        """Seconds from the first message to the last one, warm-up included."""
        return self.warm_up + self.seconds

    def messages(self, texts: dict[Scene, list[str]]) -> Iterator[Planned]:
        """Yield all messages, in the order in which they are said.

        Args:
            texts: What is said in each scene, one after the other.
        """
        chance = random.Random(self.seed)
        said = dict.fromkeys(SCENES, 0)
        for number in range(round(self.rate * self.length)):
            scene: Scene = "private" if chance.random() < self.private else "group"
            group = chance.randrange(self.groups) + 1
            person = f"person {group}-{chance.randrange(self.persons) + 1}"
            words = texts[scene]
            text = words[said[scene] % len(words)]
            said[scene] += 1
            where = f"group {group}" if scene == "group" else ""
            yield Planned(number, number / self.rate, scene, where, person, text)


def fill(text: str, number: int, person: str, group: str) -> str:
    """Put number, person and group into the places ``{n}``, ``{person}`` and ``{group}``."""
    for name, value in (("{n}", str(number)), ("{person}", person), ("{group}", group)):
        text = text.replace(name, value)
    return text
