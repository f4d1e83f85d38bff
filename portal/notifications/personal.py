"""What of the tables of notifications is whose."""

from portal.kernel.personal import Erase, Move, declare

declare("notification", owner="member_id", export="notifications", again=False, why="News of the moment.",
        things=(("subject_kind", "subject_id"),))  # fmt: skip
declare(
    "notification_cause",
    owner="member_id",
    others=("actor_id",),
    export="notification_causes",
    again=False,
    why="What the news came from; of the moment, like them.",
)
declare(
    "notification_delivery",
    owner="member_id",
    export="deliveries",
    again=False,
    why="What was sent; sending it anew would tell the same twice.",
)
declare("notification_choice", owner="member_id", export="notification_choices")
declare("notification_place", owner="member_id", export="notification_places", things=(("target_kind", "target_id"),))
declare("notification_settings", owner="member_id", export="notification_settings")
declare(
    "push_subscription",
    owner="member_id",
    export="push_subscriptions",
    secret=("p256dh", "auth"),
    erase=Erase.DELETE,
    move=Move.STAY,
    again=False,
    why="A browser gives its keys anew.",
)
