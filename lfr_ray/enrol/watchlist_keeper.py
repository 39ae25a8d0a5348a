"""Looking after a site's watchlist, entry by entry: pictures are checked; people are added, changed and removed.

A checked picture is read in memory and forgotten with its answer; of its faces the chosen one alone is compared with
the list, by the threshold from which on two pictures show one person. Every question is in the ledger, without picture.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field, replace
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

from lfr_ray.camera.still_pictures import read_picture
from lfr_ray.clock import Clock, SystemClock
from lfr_ray.enrol.list_consistency import Consistency
from lfr_ray.enrol.reference_making import EnrolmentPicture, ReferenceMaker
from lfr_ray.enrol.subject_face import left_to_right
from lfr_ray.errors import ConflictError, NotFoundError, PictureError, RefusedError, ResourceError, WatchlistError
from lfr_ray.govern.ledger_event import Event, RecordKind, recordable, subject_of
from lfr_ray.govern.ledger_state import APPROVED
from lfr_ray.match.keeper_answers import (
    Change,
    FaceFound,
    ListApproval,
    ListedEntry,
    ListPage,
    ListProposal,
    ListQuery,
    PictureCheck,
)
from lfr_ray.match.watchlist_approval import Approval
from lfr_ray.match.watchlist_csv import COLUMNS, entry_id_named, entry_of_cells
from lfr_ray.match.watchlist_draft import ListDraft, listed_entry
from lfr_ray.match.watchlist_entries import TEST, EnrolledImage, Entry, Note, Rejected
from lfr_ray.match.watchlist_store import StoredPicture, StoredVector, check_approver
from lfr_ray.models.cards import Detector, Embedder
from lfr_ray.records import Faces, box_sizes_px

MOST_QUEUED = 8
"""Questions that wait for their turn, at most: each may hold a picture."""
NOT_STATED = "not stated"
_UNKNOWN = Entry(entry_id="", name="", category=TEST)
P = ParamSpec("P")
AnswerT = TypeVar("AnswerT")
Approver = Callable[[dict[str, Any], Mapping[str, Any]], tuple[str, float]]


def in_turn(
    work: Callable[Concatenate[ListKeeper, P], AnswerT],
) -> Callable[Concatenate[ListKeeper, P], Coroutine[Any, Any, AnswerT]]:
    """A question to the keeper: awaited, one at a time, answered outside the event loop.

    Raises:
        ResourceError: Too many wait.
    """

    @wraps(work)
    async def asked(keeper: ListKeeper, /, *args: P.args, **named: P.kwargs) -> AnswerT:
        if keeper._queued >= MOST_QUEUED:
            raise ResourceError("others are at work on the list", next_step="try again in a moment")
        keeper._queued += 1
        try:
            async with keeper._turn:
                return await asyncio.to_thread(lambda: work(keeper, *args, **named))
        finally:
            keeper._queued -= 1

    return asked


@dataclass(eq=False, repr=False)
class ListKeeper:
    """The list as its keepers see and change it; one question at a time, outside the event loop.

    Attributes:
        embedders: The site's; each picture gets a vector of every one.
        draft: The list, and what waits beside it.
        record: Appends to the ledger.
        until_start: The site imports a folder when it starts, and then nobody else is on the list.
        approver: Whose signature an approval is, and of when; raises where it does not hold.
        unfit: Of a person, why they may not change the list; empty when they may.
    """

    detector: Detector
    embedders: Sequence[Embedder]
    _: KW_ONLY
    draft: ListDraft
    record: Callable[[Event], object]
    deployment: str = ""
    until_start: bool = False
    approver: Approver | None = None
    unfit: Callable[[str], str] = lambda person: ""
    clock: Clock = field(default_factory=SystemClock)
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock, init=False)
    _queued: int = field(default=0, init=False)
    _approved: tuple[str, Approval | None] = field(default=("", None), init=False)

    @in_turn
    def check_picture(self, picture: bytes, *, face: int | None, by: str, reason: str) -> PictureCheck:
        """What would become of a picture file.

        ``face`` says which face is meant, counted from 1, left to right; None: the one that clearly is the subject.

        Raises:
            PictureError: It is no picture that can be read.
        """
        pixels = read_picture(picture, name="picture")
        seen: list[tuple[Faces, int | None]] = []
        maker = ReferenceMaker(
            self.detector, self.embedders[0], on_faces=lambda _, faces, row: seen.append((faces, row))
        )
        rejected: list[Rejected] = []
        notes: list[Note] = []
        one = EnrolmentPicture(_UNKNOWN, "picture", "", pixels, face, face is not None)
        subjects = maker.subjects([one], rejected, notes)
        alike: tuple[str, ...] = ()
        calibration = self.embedders[0].card.calibration
        checked = calibration is not None and calibration.same_person is not None
        if subjects and checked:
            alike = _known(self.draft.vectors(), self.embedders[0]).alike(maker.references(subjects, "", 0.0)[0].vector)
        faces, row = seen[0]
        found, chosen = _told(faces, row, pixels.shape[1], pixels.shape[0])
        facts = {"faces_found": len(faces), "alike": [subject_of(one) for one in alike[:16]]}
        self._record("consultation", "picture checked against the watchlist", by, "", reason, facts)
        return PictureCheck(
            width_px=pixels.shape[1],
            height_px=pixels.shape[0],
            faces=found,
            chosen=chosen,
            usable=bool(subjects),
            reason="; ".join(one.reason for one in rejected),
            note="; ".join(one.note for one in notes),
            quality=round(subjects[0].quality, 2) if subjects else None,
            alike=alike,
            alike_checked=checked,
        )

    @in_turn
    def list_entries(self, query: ListQuery, *, by: str, reason: str) -> ListPage:
        """Entries of the list as it would be, page by page."""
        rows, changes = self.draft.pictures()
        of_entry: dict[str, list[StoredPicture]] = {}
        for row in rows:
            if query.takes(row.entry):
                of_entry.setdefault(row.entry.entry_id, []).append(row)
        now_s = self.clock.wall_s()
        ids = [one for one in sorted(of_entry) if one > query.after]
        shown = ids[: query.limit]
        approval = self._approval(now_s)
        self._record("consultation", "watchlist listed", by, "", reason, {"entries": len(shown)})
        return ListPage(
            entries=tuple(
                listed_entry(of_entry[one][0].entry, of_entry[one], changes.get(one, ""), now_s) for one in shown
            ),
            after=shown[-1] if len(ids) > len(shown) else None,
            found=len(of_entry),
            waiting=len(changes),
            at_once=self.draft.at_once,
            until_start=self.until_start,
            approved_by="" if approval is None else approval.approved_by,
            approved_at=None if approval is None else approval.approved_at,
        )

    @in_turn
    def add_entry(
        self, cells: Mapping[str, str], picture: bytes, *, face: int | None, by: str, same_person: bool = False
    ) -> ListedEntry:
        """Put somebody on the list.

        ``cells`` are by column, as in a row of watchlist.csv. Whoever adds may not approve the list. With
        ``same_person`` a face that another entry has already is taken too: twins.

        Raises:
            WatchlistError: A cell is wrong.
            PictureError: The picture cannot be used.
            NotFoundError: It has no such face.
            ConflictError: The id, the picture or the person is on the list already.
            RefusedError: They approve lists or authorise deployments.
        """
        self._check_fit(by)
        try:
            entry_id = entry_id_named(cells["entry_id"])
            entry = entry_of_cells(entry_id, {**dict.fromkeys(COLUMNS, ""), **cells})
        except ValueError as error:
            raise WatchlistError("the entry is not valid", got=str(error), next_step="correct it") from None
        if entry_id in {row.entry.entry_id for row in self.draft.pictures()[0]}:
            raise ConflictError(
                "the entry's id is on the list already",
                got=entry_id,
                next_step="choose another, or add the picture to it",
            )
        facts = {"same_person": True} if same_person else {}
        return self._put(entry, picture, face, by, "watchlist entry added", facts, one_entry_each=not same_person)

    @in_turn
    def add_picture(self, entry_id: str, picture: bytes, *, face: int | None, by: str) -> ListedEntry:
        """Add a picture to an entry; see :meth:`add_entry`.

        Raises:
            NotFoundError: There is no such entry.
        """
        self._check_fit(by)
        return self._put(self.draft.entry(entry_id), picture, face, by, "watchlist picture added", {})

    @in_turn
    def change_entry(self, entry_id: str, changes: Mapping[str, Any], *, by: str, reason: str) -> ListedEntry:
        """Say something else of an entry: values by the names of :class:`Entry`'s fields.

        Raises:
            NotFoundError: There is no such entry.
            RefusedError: As in :meth:`add_entry`.
        """
        self._check_fit(by)
        entry = replace(self.draft.entry(entry_id), **changes)
        self._record("alteration", "watchlist entry changed", by, entry_id, reason, {"fields": sorted(changes)})
        self.draft.change(entry, by, self.clock.wall_s())
        return self._shown(entry_id)

    @in_turn
    def remove_entry(self, entry_id: str, *, by: str, reason: str) -> None:
        """Take somebody off the list.

        Raises:
            NotFoundError: There is no such entry.
            RefusedError: As in :meth:`add_entry`.
        """
        self._check_fit(by)
        waits: Change = self.draft.remove(entry_id, by, self.clock.wall_s())
        kind: RecordKind = "alteration" if waits else "erasure"
        what = "watchlist entry to be removed" if waits else "watchlist entry erased"
        self._record(kind, what, by, entry_id, reason, {})

    @in_turn
    def take_back(self, entry_id: str, *, by: str) -> None:
        """Erase what waits of an entry.

        Raises:
            ConflictError: Nothing waits.
        """
        self.draft.take_back(entry_id)
        self._record("erasure", "what waited of a watchlist entry erased", by, entry_id, "", {})

    @in_turn
    def proposal(self) -> ListProposal:
        """What an approver would sign."""
        return self._proposal()

    @in_turn
    def approve(self, content_hash: str, signature: Mapping[str, Any], *, by: str) -> ListApproval:
        """Take up what waits and freeze the list, by an approver's signature that was made elsewhere.

        ``content_hash`` is what was signed.

        Raises:
            ConflictError: Nobody approves this list, or it has changed since.
            AuthorityError: The signature does not hold.
            RefusedError: The approver has made the list.
        """
        known = self._proposal()
        if self.draft.at_once or self.approver is None:
            raise ConflictError("nobody approves this list", next_step="changes count at once")
        if known.content_hash != content_hash:
            raise ConflictError("the list has changed since", got=content_hash[:16], next_step="sign it as it is now")
        approver, at = self.approver(known.document, signature)
        check_approver(approver, self.draft.importers())
        taken_up = self.draft.take_up()
        approval = self.draft.store.approve(approver, at, lambda _document: dict(signature))
        facts = {"watchlist_sha256": approval.content_hash, "taken_up": taken_up, "by": by}
        self.record(Event("authority", APPROVED, self.deployment, approver, facts=facts))
        return ListApproval(approver, at, approval.content_hash, taken_up)

    def _put(
        self,
        entry: Entry,
        data: bytes,
        face: int | None,
        by: str,
        what: str,
        facts: Mapping[str, Any],
        *,
        one_entry_each: bool = True,
    ) -> ListedEntry:
        pixels, sha256 = read_picture(data, name="picture"), hashlib.sha256(data).hexdigest()
        rows = self.draft.vectors()
        owner = next((row.entry.entry_id for row in rows if row.file_sha256 == sha256), None)
        if owner is not None:
            raise ConflictError("this picture is on the list already", got=f"entry {owner}", next_step="take another")
        picture = EnrolmentPicture(entry, "picture", sha256, pixels, face, face is not None)
        known = [_known(rows, one, one_entry_each=one_entry_each) for one in self.embedders]
        images = [self._reference(picture, *pair, by) for pair in zip(self.embedders, known, strict=True)]
        self._record("collection", what, by, entry.entry_id, "", {**facts, "waits": not self.draft.at_once})
        self.draft.put(images)
        return self._shown(entry.entry_id)

    def _reference(self, picture: EnrolmentPicture, embedder: Embedder, known: Consistency, by: str) -> EnrolledImage:
        rejected: list[Rejected] = []
        counts: list[int] = []
        maker = ReferenceMaker(self.detector, embedder, on_faces=lambda _, faces, row: counts.append(len(faces)))
        subjects = maker.subjects([picture], rejected, [])
        if not subjects and picture.face is not None and picture.face > counts[0]:
            raise NotFoundError("the picture has no such face", got=rejected[0].reason, next_step="check it first")
        if not subjects:
            raise PictureError(
                "the picture cannot be used",
                got=rejected[0].reason,
                next_step="choose another face, or another picture",
            )
        images = maker.references(subjects, by, self.clock.wall_s())
        names = {images[0].image_id: picture.name}
        if not known.consistent(images, names, rejected):
            raise ConflictError("the picture contradicts the list", got=rejected[0].reason, next_step="look at both")
        return images[0]

    def _proposal(self) -> ListProposal:
        content_hash, makers = self.draft.proposal()
        return ListProposal(content_hash, makers, len(self.draft.pictures()[1]))

    def _shown(self, entry_id: str) -> ListedEntry:
        rows, changes = self.draft.pictures()
        own = [row for row in rows if row.entry.entry_id == entry_id]
        if not own:
            raise NotFoundError("the watchlist has no such entry", next_step="see the list")
        return listed_entry(own[0].entry, own, changes.get(entry_id, ""), self.clock.wall_s())

    def _approval(self, now_s: float) -> Approval | None:
        """The approval of the list as it is. To know it every picture is read: kept until something changes."""
        revision = self.draft.store.revision()
        if self._approved[0] != revision:
            self._approved = revision, self.draft.store.approval(now_s)
        return self._approved[1]

    def _check_fit(self, by: str) -> None:
        if why := self.unfit(by):
            raise RefusedError(why, got=by)

    def _record(
        self, kind: RecordKind, what: str, by: str, entry_id: str, reason: str, facts: Mapping[str, Any]
    ) -> None:
        said = recordable(reason) if reason.strip() else NOT_STATED
        subject = subject_of(entry_id) if entry_id else ""
        self.record(Event(kind, what, self.deployment, by, subject, said, facts))


def _told(faces: Faces, row: int | None, width_px: int, height_px: int) -> tuple[tuple[FaceFound, ...], int | None]:
    """Faces by number, and the number of the chosen one."""
    sizes, sides = box_sizes_px(faces.boxes), (width_px, height_px) * 2
    order = left_to_right(faces).tolist()
    found = tuple(
        FaceFound(number, _shares(faces.boxes[one], sides), round(float(sizes[one]), 1))
        for number, one in enumerate(order, start=1)
    )
    return found, None if row is None else order.index(row) + 1


def _shares(box: Any, sides: Sequence[int]) -> tuple[float, float, float, float]:
    left, top, right, bottom = (
        round(min(1.0, max(0.0, float(edge) / side)), 4) for edge, side in zip(box, sides, strict=True)
    )
    return left, top, right, bottom


def _known(rows: Sequence[StoredVector], embedder: Embedder, *, one_entry_each: bool = True) -> Consistency:
    """What is on the list as it would be, by one model."""
    own = ((row.entry.entry_id, row.vector) for row in rows if row.model == embedder.card.enrolled_as)
    return Consistency(own, embedder.card.calibration, one_entry_each=one_entry_each)
