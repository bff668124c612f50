"""What lasts longer than one round: repeats, lost answers, crashes, the provider's news."""

from tests.chaos.attack import Drill
from tests.chaos.drills.crashes import DatabaseKills, WorkerKills
from tests.chaos.drills.failpoints import Failpoints
from tests.chaos.drills.lost_answers import LostAnswers
from tests.chaos.drills.news import News
from tests.chaos.drills.repeats import Repeats

ALL: tuple[type[Drill], ...] = (
    Repeats,
    LostAnswers,
    Failpoints,
    News,
    WorkerKills,
    DatabaseKills,
)
