"""Commits the answers of scanners to looks at single names (T1, T2, T9): hints, due filesets, moves, verdicts."""

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


def take_answer(core: Core, root: WatchedRoot) -> bool:
    """Commit one answer of a root's scanner; tells whether there was one."""
    while not root.scanner.answers.empty():
        root.answers.append(root.scanner.answers.get_nowait())
    if not root.answers:
        return False
    order, look = root.answers[0]
    if isinstance(order.tag, ReplacedCheck) and root.moves_under_way:
        # Whether the file that lay there moved is being found out: look once more after that.
        root.answers.popleft()
        root.answered(order)
        root.look(order)
        return True
    if isinstance(look, RootLost):
        _lost(core, root, order, look.reason)
    else:
        looked, started = _commit_answer(core, root, order, look)
        hand_out(core, started)
        core.follow_up(root, looked, is_hinted=isinstance(order.tag, HintCheck | RequestCheck))
        if look.unknown:
            root.troubled.failed(look.directory, core.clock.monotonic())
    root.answers.popleft()
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
    return True


def _commit_answer(core: Core, root: WatchedRoot, order: LookOrder, look: NamesLook) -> tuple[Looked, list[StartedJob]]:
    """Commit an answer. What it settled is claimed for the workers in the same transaction (T2 and T3)."""
    with core.catalogue.writing() as connection:
        looked = _commit(core, core.looking(connection, root), order, look)
        started = claim_jobs(core, connection) if isinstance(order.tag, DueCheck | SetCheck) else []
    return looked, started


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
