"""The plays: everything that the clock may say, one a file; a job plans those that name it.

T1 (``promoter``) and T7 (``came_via_friend``) are said in the conversation after a score, and planned by nobody.
"""

from __future__ import annotations

from referrals.asking.play import Play
from referrals.asking.plays import never_opened, reference, score, second_order, share_again, thanks

PLAYS: dict[str, Play] = {
    play.name: play
    for play in (
        score.PLAY,
        second_order.PLAY,
        share_again.PLAY,
        never_opened.PLAY,
        thanks.PLAY,
        reference.PLAY,
        reference.RENEWAL_PLAY,
    )
}
