"""Commits the answers of scanners to looks at single names (T1, T2, T9): hints, due filesets, moves, verdicts."""

from collections.abc import Sequence
from dataclasses import replace

from catalog import jobs
from catalog.jobs import Failed
from catalog.looks import StartedJob
from ingest.checks import AgainCheck, DueCheck, HintCheck, MoveCheck, ReplacedCheck, RequestCheck, VerdictCheck
from ingest.core import Core, Judged
from ingest.due import UNKNOWN_AGAIN, settle
from ingest.listing import LookOrder, NamesLook, RootLost
from ingest.looking import Looked, Looking
from ingest.results import claim_jobs, hand_out
from ingest.set_looks import SetCheck
from ingest.set_settling import settle_set
from ingest.watched import WatchedRoot

#: So many answers, of so many names, are committed in one transaction at most: workers are served in between.
TOGETHER_AT_MOST = 50
NAMES_TOGETHER = 500

_Answer = tuple[LookOrder, NamesLook]


def take_answers(core: Core, root: WatchedRoot) -> bool:
    """Commit the next answers of a root's scanner, plain ones together; tells whether there were any."""
    while not root.scanner.answers.empty():
        root.answers.append(root.scanner.answers.get_nowait())
    if not root.answers:
        return False
    plain = _plain_ones(root)
    if len(plain) > 1:
        root.answers_together.take(len(plain), lambda: _take(core, root, plain))
    else:
        root.answers_together.take(1, lambda: _take_one(core, root))
    return True


def _plain_ones(root: WatchedRoot) -> list[_Answer]:
    """Give the next answers that don't ask what others before them leave to be done."""
    plain: list[_Answer] = []
    names = 0
    if root.answers_together.is_alone:
        return plain
    for order, look in root.answers:
        names += len(order.names)
        is_full = len(plain) >= TOGETHER_AT_MOST or (plain and names > NAMES_TOGETHER)
        if is_full or isinstance(look, RootLost) or not isinstance(order.tag, HintCheck | AgainCheck | DueCheck):
            break
        plain.append((order, look))
    return plain


def _take_one(core: Core, root: WatchedRoot) -> None:
    order, look = root.answers[0]
    if isinstance(order.tag, ReplacedCheck) and root.moves_under_way:
        # Whether the file that lay there moved is being found out: look once more after that.
        root.answers.popleft()
        root.answered(order)
        root.look(order)
    elif isinstance(look, RootLost):
        _lost(core, root, order, look.reason)
        end_answer(core, root)
    else:
        _take(core, root, [(order, look)])


def _take(core: Core, root: WatchedRoot, answers: Sequence[_Answer]) -> None:
    """Commit answers and do what they leave to be done; they are the first in the root's queue."""
    commits, started = _commit_answers(core, root, answers)
    hand_out(core, started)
    for (order, look), looked in zip(answers, commits, strict=True):
        core.follow_up(root, looked, is_hinted=isinstance(order.tag, HintCheck | RequestCheck))
        if look.unknown:
            root.troubled.failed(look.directory, core.clock.monotonic())
        end_answer(core, root)


def end_answer(core: Core, root: WatchedRoot) -> None:
    """Note that the first answer in the root's queue was dealt with."""
    order, look = root.answers.popleft()
    root.answered(order)
    match order.tag:
        case DueCheck(filesets=filesets):
            root.looking -= {due.id for due in filesets.values()}
        case SetCheck() as check:
            if check.is_answered or isinstance(look, RootLost):
                root.looking.discard(check.due.id)
        case RequestCheck() as check:
            check.look = look
        case VerdictCheck(failure=failure):
            core.judging.discard(Judged(root_id=root.id, fileset_id=failure.fileset_id, claim=failure.claim))
        case _:
            pass


def _commit_answers(core: Core, root: WatchedRoot, answers: Sequence[_Answer]) -> tuple[list[Looked], list[StartedJob]]:
    """Commit answers. What they settled is claimed for the workers in the same transaction (T2 and T3)."""
    with core.catalogue.writing() as connection:
        looking = core.looking(connection, root)
        commits = [_commit(core, looking, order, look) for order, look in answers]
        is_second = any(isinstance(order.tag, DueCheck | SetCheck) for order, _ in answers)
        started = claim_jobs(core, connection) if is_second else []
    return commits, started


def _commit(core: Core, looking: Looking, order: LookOrder, look: NamesLook) -> Looked:
    match order.tag:
        case MoveCheck() as check:
            return looking.settle_move(check, look)
        case DueCheck() as check:
            return settle(core, looking, check, look)
        case SetCheck() as check:
            return settle_set(core, looking, check) if check.take(look) else Looked()
        case VerdictCheck() as check:
            return _verdict(core, looking, check.failure, look)
        case AgainCheck():
            return _names(core, looking, look, is_again=True)
        case ReplacedCheck():
            return _names(core, looking, look, may_move=False)
        case _:
            return _names(core, looking, look)


def _names(core: Core, looking: Looking, look: NamesLook, *, is_again: bool = False, may_move: bool = True) -> Looked:
    looked = looking.names(look, is_again=is_again, may_move=may_move)
    core.mark(looking, looked)
    return looked


def _verdict(core: Core, looking: Looking, failure: Failed, look: NamesLook) -> Looked:
    """Decide about a file that a reader found not whole: changed meanwhile, or incomplete as it lies there."""
    looked = looking.names(look, may_move=False)
    core.mark(looking, looked)
    jobs.fail_jobs(looking.connection, [failure], now=looking.now, via=core.via)
    return looked


def _lost(core: Core, root: WatchedRoot, order: LookOrder, reason: str) -> None:
    core.lose(root, reason)
    if isinstance(order.tag, VerdictCheck):
        failure = replace(order.tag.failure, reason=reason, next_try_at=core.steady.now() + UNKNOWN_AGAIN)
        with core.catalogue.writing() as connection:
            jobs.fail_jobs(connection, [failure], now=core.clock.now(), via=core.via)
