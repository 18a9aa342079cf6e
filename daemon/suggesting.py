"""Rules for a folder of this machine: a sample of its names, the people who are known, what is proposed from both."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from catalog.known_people import KnownPeople
from config.path_text import path_text
from config.settings import PeopleSettings, Settings
from config.suggesting.people_in_names import KnownNames
from config.suggesting.proposal import Proposal
from config.suggesting.proposing import propose
from ingest.accounts import MachineAccounts
from ingest.sampling import Budget, Sample, sample_of

#: `init` must be quick on a large tree: the first look is short, and says so.
SHORT = Budget(files=10_000, files_of_a_folder=1_000, names_of_a_folder=20_000, seconds=4.0)
#: Names that the machine is asked about: a directory service is not asked about every folder.
_ASKED_AT_MOST = 200
#: People's folders stand among these levels.
_LEVELS_OF_PEOPLE = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """What was looked at, and what is proposed from it; ``known`` are the people and groups that were known."""

    root: Path
    sample: Sample
    proposal: Proposal
    known: KnownNames

    @property
    def unknown_owners(self) -> tuple[str, ...]:
        """Give the owners that the rules find and nobody is called."""
        return tuple(name for name in self.proposal.owners if name.casefold() not in self.known.users)

    @property
    def unknown_groups(self) -> tuple[str, ...]:
        """Give the groups that the rules find and none is called."""
        return tuple(name for name in self.proposal.groups if name.casefold() not in self.known.groups)


def suggest(root: Path, sample: Sample, known: KnownNames) -> Suggestion:
    """Propose rules from a sample of a folder's names."""
    proposal = propose(sample.files, root_name=root.name or "root", known=known)
    return Suggestion(root=root, sample=sample, proposal=proposal, known=known)


def suggest_shortly(root: Path) -> Suggestion:
    """Propose rules after a short look, knowing the machine's people only: for a first configuration."""
    sample = sample_of(root, SHORT)
    return suggest(root, sample, known_names(sample))


def known_names(sample: Sample, settings: Settings | None = None, people: KnownPeople | None = None) -> KnownNames:
    """Gather the names of people and groups: the configuration's, the catalogue's, the machine's with its guards."""
    people = people or KnownPeople()
    machine = MachineAccounts(settings.people if settings else PeopleSettings())
    asked = machine.machine_people(named=_folder_names(sample.files))
    users = [name for person in people.people if person.is_active for name in (person.name, *person.aliases)]
    groups = [name for group in people.groups for name in (group.name, *group.aliases)]
    users += [person.name for person in asked.people]
    groups += asked.groups
    if settings is not None:
        users += [name for login, user in settings.users.items() for name in (login, *user.aliases)]
        groups += [name for group, said in settings.groups.items() for name in (group, *said.aliases)]
    return KnownNames.of(users, groups)


def _folder_names(files: Iterable[bytes]) -> tuple[str, ...]:
    """Give names of folders, and the words in them, that may be logins."""
    found: dict[str, None] = {}
    for path in files:
        for folder in path_text(path).split("/")[:-1][:_LEVELS_OF_PEOPLE]:
            for name in (folder, *re.split(r"[_\W]+", folder)):
                if name and not name.isdecimal():
                    found.setdefault(name)
        if len(found) >= _ASKED_AT_MOST:
            break
    return tuple(found)[:_ASKED_AT_MOST]
