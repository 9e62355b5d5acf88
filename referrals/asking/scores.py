"""Scores: a customer's answer from 0 to 10, changeable for a day, and what follows from it (rules 18 and 31).

9 and 10 are thanked and offered their link; 7 and 8 are asked what would have made it better; 0 to 6 open a case. Only
the customer who was asked can answer, and the same answer twice is one answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session, select

from referrals.asking.cases import customer_says, hold_customer, open_case, open_case_of
from referrals.asking.contacts import cancel_planned, mark_reacted
from referrals.asking.play import ASKS, SCORE
from referrals.asking.plays import score as play
from referrals.asking.readiness import DETRACTOR, PROMOTER
from referrals.asking.staff import show_case
from referrals.people.persons import survivor
from referrals.programme import Programme
from referrals.reasons import LOW_SCORE
from storage.cases import LOW_SCORE as ABOUT_LOW_SCORE
from storage.cases import Case
from storage.contacts import Contact
from storage.surveys import Survey

CHANGEABLE = timedelta(hours=24)  # from the first tap
LOWEST, HIGHEST = 0, 10
LONGEST_WHY = 16_000  # characters of all that is said about one score
PROMOTERS, PASSIVES, DETRACTORS = "promoter", "passive", "detractor"
BANDS = (DETRACTORS, PASSIVES, PROMOTERS)
GIVEN, SAME, FIXED = "given", "same", "fixed"


@dataclass(frozen=True, slots=True)
class Given:
    """What became of a tap."""

    outcome: str  # given, same (it stood already), fixed (more than a day ago)
    survey_id: int
    score: int  # the one that stands
    until: datetime  # it can be changed until then
    is_new: bool  # the customer's answer asks for other words than the one before, if there was one
    case: Case | None = None  # opened, or open

    @property
    def band(self) -> str:
        """Promoter, passive or detractor."""
        return band(self.score)


def band(score: int) -> str:
    """Promoter from 9 on, passive 7 and 8, detractor up to 6."""
    return PROMOTERS if score >= PROMOTER else DETRACTORS if score <= DETRACTOR else PASSIVES


def record_score(
    session: Session, survey_id: int, *, customer_id: int, score: int, programme: Programme, now: datetime
) -> Given | None:
    """The score stands, until it is changed within a day; None where this customer was asked no such thing.

    A detractor's opens a case. A lower band than before takes back what was planned to be asked; a higher one leaves
    the case (rules 31).
    """
    hold_customer(session, customer_id)
    survey = _asked(session, survey_id, customer_id=customer_id)
    if survey is None or not LOWEST <= score <= HIGHEST:
        return None
    before = survey.score
    if survey.scored_at is not None and now - survey.scored_at > CHANGEABLE:
        return _given(session, survey, FIXED, is_new=False)
    if before == score:
        return _given(session, survey, SAME, is_new=False)
    survey.score, survey.skipped_at = score, None
    survey.scored_at, survey.changed_at = survey.scored_at or now, None if before is None else now
    session.flush()
    mark_reacted(session, customer_id, key=_key(survey), now=now)
    is_new = before is None or band(before) != band(score)
    if is_new:
        _decide(session, survey, programme=programme, now=now)
    else:
        _show_open_case(session, customer_id, programme=programme, now=now)
    return _given(session, survey, GIVEN, is_new=is_new)


def skip_score(session: Session, survey_id: int, *, customer_id: int, now: datetime) -> bool:
    """They would rather not say; an answer that was given stays. False where they were asked no such thing."""
    survey = _asked(session, survey_id, customer_id=customer_id)
    if survey is None:
        return False
    if survey.score is None:
        survey.skipped_at = survey.skipped_at or now
        session.flush()
    mark_reacted(session, customer_id, key=_key(survey), now=now)
    return True


def say_why(
    session: Session, survey_id: int, *, customer_id: int, text: str, programme: Programme, now: datetime
) -> Given | None:
    """The words stand with the score, after what was said before; they go into the open case too.

    A detractor's always reach a person: where the case about the score was solved meanwhile it is open again.
    """
    hold_customer(session, customer_id)
    survey = _asked(session, survey_id, customer_id=customer_id)
    if survey is None or survey.score is None:
        return None
    survey.why = f"{survey.why}\n{text}"[:LONGEST_WHY] if survey.why else text[:LONGEST_WHY]
    survey.why_at = now
    session.flush()
    case = open_case_of(session, customer_id)
    if case is not None:
        customer_says(session, case, text=text, programme=programme, now=now)
    elif band(survey.score) == DETRACTORS:
        open_case(
            session, customer_id, kind=ABOUT_LOW_SCORE, survey_id=survey.id, text=text, programme=programme, now=now
        )
    return _given(session, survey, SAME, is_new=False)


def survey_of(session: Session, survey_id: int, *, customer_id: int) -> Survey | None:
    """The question, if it was put to this customer."""
    return _asked(session, survey_id, customer_id=customer_id)


def _decide(session: Session, survey: Survey, *, programme: Programme, now: datetime) -> None:
    """What a score of another band brings: a case for a detractor, and no asks for anybody but a promoter."""
    score = survey.score or 0
    if band(score) != PROMOTERS:
        kinds = ASKS if band(score) == DETRACTORS else ASKS - {SCORE}
        cancel_planned(session, survey.customer_id, because=LOW_SCORE, kinds=sorted(kinds))
    if band(score) == DETRACTORS:
        open_case(session, survey.customer_id, kind=ABOUT_LOW_SCORE, survey_id=survey.id, programme=programme, now=now)
    else:
        _show_open_case(session, survey.customer_id, programme=programme, now=now)


def _show_open_case(session: Session, customer_id: int, *, programme: Programme, now: datetime) -> None:
    """A case that is open stays open, and its card shows the score that stands."""
    case = open_case_of(session, customer_id)
    if case is not None:
        show_case(session, case, programme=programme, now=now)


def _asked(session: Session, survey_id: int, *, customer_id: int) -> Survey | None:
    """The question, held until the end, if it was put to this customer: anybody can send any number, also before."""
    query = select(Survey).where(Survey.id == survey_id).with_for_update()
    survey = session.exec(query.execution_options(populate_existing=True)).first()
    if survey is None or survivor(session, survey.customer_id) != survivor(session, customer_id):
        return None
    said = session.exec(select(Contact.sent_at).where(Contact.key == _key(survey))).first()
    return survey if said is not None else None


def _key(survey: Survey) -> str:
    """Of the contact with which it is put."""
    return f"{play.NAME}:{survey.subject}"


def _given(session: Session, survey: Survey, outcome: str, *, is_new: bool) -> Given:
    if survey.id is None or survey.score is None or survey.scored_at is None:
        raise AssertionError("a score that was given is stored with its moment")
    return Given(
        outcome,
        survey.id,
        survey.score,
        survey.scored_at + CHANGEABLE,
        is_new,
        open_case_of(session, survey.customer_id),
    )
