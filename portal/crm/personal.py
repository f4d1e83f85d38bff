"""What of the exchange with CRMs is whose."""

from portal.kernel.personal import Erase, Move, declare, nobodys

declare(
    "crm_link",
    owner=None,
    export="crm",
    erase=Erase.BY_HAND,
    move=Move.STAY,
    again=False,
    why="What was told to the CRM; taken back there first, then forgotten here.",
)
declare(
    "crm_event",
    owner=None,
    export="crm_events",
    erase=Erase.BY_HAND,
    move=Move.STAY,
    again=False,
    why="What the CRM was told that happened; its words go.",
)
declare(
    "crm_news",
    owner=None,
    export="crm_news",
    erase=Erase.BY_HAND,
    move=Move.STAY,
    again=False,
    why="What the CRM said of her last.",
)
declare(
    "crm_dead_letter",
    owner=None,
    export="crm_letters",
    erase=Erase.BY_HAND,
    move=Move.STAY,
    again=False,
    why="What the CRM would not take.",
)
declare(
    "crm_wanted",
    owner=None,
    erase=Erase.BY_HAND,
    move=Move.STAY,
    again=False,
    why="A mark that lasts for seconds: this member's figures may have changed.",
)
nobodys("crm_gateway", "How the connection is doing.")
nobodys("crm_hour", "How many rows an hour.")
