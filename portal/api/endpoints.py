"""Declaring an endpoint: the models beside the route are what is checked, what is answered and what is documented.

::

    @endpoint("GET", "/ideas", query=IdeasWanted, response=Listing[IdeaOut], summary="Ideas that you may see")
    def list_ideas(query: IdeasWanted) -> Page[IdeaRow]: ...

    @endpoint("POST", "/ideas", body=NewIdea, response=IdeaOut, scope="write", summary="Propose an idea")
    def propose(body: NewIdea) -> IdeaRow: ...

The function gets the parts of the path by name, ``query`` and ``body`` if there are models for them. What it returns
may be the response's model, a mapping, or anything with attributes of the same names (a frozen dataclass, a `Page`);
a `Reply` says more.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from portal.members.policy import Access, access, role, scoped
from portal.members.rules import Role, Scope

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])
BODY_MOST = 1_000_000
"""Bytes of a request's body; far above the longest text that is taken."""
CURSOR_MOST = 500
PAGE_MOST = 100
PAGE = 50
BIGGEST_ID = 2**63 - 1
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
Id = Annotated[int, Field(ge=1, le=BIGGEST_ID)]
"""The id of a thing."""


class Input(BaseModel):
    """Base of what a program sends: fields that we do not know are ignored."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class Output(BaseModel):
    """Base of what a program gets; made from anything with attributes of the same names."""

    model_config = ConfigDict(from_attributes=True)


class Paged(Input):
    """Query of a list that is read page by page."""

    cursor: Annotated[str | None, Field(max_length=CURSOR_MOST, description="`next` of the page before")] = None
    limit: Annotated[int, Field(ge=1, le=PAGE_MOST, description="Items a page")] = PAGE


class Listing(Output, Generic[T]):
    """One page of a list."""

    items: list[T]
    next: Annotated[str | None, Field(description="Cursor of the page that follows; null at the end")] = None


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer with a status or headers of its own."""

    content: Any
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One operation of the API."""

    method: str
    path: str
    view: Callable[..., Any]
    summary: str
    description: str
    tag: str
    query: type[BaseModel] | None
    body: type[BaseModel] | None
    response: TypeAdapter[Any] | None
    status: int
    scope: str
    access: Access
    errors: tuple[int, ...]
    body_most: int
    files: bool = False
    """Whether a file comes, as a form does it."""

    @property
    def name(self) -> str:
        """Return the operation's name, unique in the API."""
        return f"{self.tag}_{self.view.__name__}"


_declared: dict[tuple[str, str], Endpoint] = {}


def endpoint(
    method: str,
    path: str,
    *,
    summary: str,
    query: type[BaseModel] | None = None,
    body: type[BaseModel] | None = None,
    response: Any = None,
    status: int | None = None,
    scope: str = "",
    signed_in: bool | None = None,
    roles: tuple[Role, ...] = (),
    errors: tuple[int, ...] = (),
    tag: str = "",
    body_most: int = BODY_MOST,
    files: bool = False,
    suspended: bool = False,
) -> Callable[[F], F]:
    """Declare an operation under ``/api/v1``.

    :param path: as in Flask: ``/ideas/<int:idea_id>``.
    :param scope: of the token in use; ``read`` for GET and ``write`` for all else when not given. A browser's
        session has all scopes.
    :param signed_in: whether somebody must have signed in; by default for all but GET.
    :param status: of the answer when all goes well; 201 for POST and 200 for all else by default.
    :param suspended: whether those who may not write now may use it all the same.
    :param files: the body is ``multipart/form-data`` with a ``file``, which the view reads from the request.
    :param errors: statuses to document besides those that any operation can answer.
    """
    if method not in METHODS:
        raise ValueError(method)
    wanted = scope or (Scope.READ if method == "GET" else Scope.WRITE)
    member = method != "GET" if signed_in is None else signed_in
    rule = role(*roles, scope=wanted) if roles else scoped(wanted, member=member)

    def declare(view: F) -> F:
        _declared[method, path] = Endpoint(
            method=method,
            path=path,
            view=access(rule, suspended=suspended)(view),
            summary=summary,
            description=_paragraph(view.__doc__),
            tag=tag or view.__module__.split(".")[1],
            query=query,
            body=body,
            response=TypeAdapter(response) if response is not None else None,
            status=status or (201 if method == "POST" else 200),
            scope=wanted,
            access=rule,
            errors=errors,
            body_most=body_most,
            files=files,
        )
        return view

    return declare


def _paragraph(docstring: str | None) -> str:
    """Return a docstring's text without its list of parameters and errors."""
    lines = (docstring or "").strip().split("\n")
    kept = [line.strip() for line in lines if not line.strip().startswith(":")]
    return "\n".join(kept).strip()


def declared() -> list[Endpoint]:
    """Return all operations by path and method."""
    return [_declared[key] for key in sorted(_declared, key=lambda key: (key[1], METHODS.index(key[0])))]
