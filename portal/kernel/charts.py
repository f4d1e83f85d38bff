"""Charts as SVG that the server draws: lengths in per cent, text in pixels, colour by class.

Pure: numbers and already translated words in, safe markup out. No style attribute, no script. A chart with
a ``label`` is a picture with a name (``role=img``); without one it is decoration beside figures in the text.
Colours are classes of the style sheet: series ``k1``-``k6`` (strokes) and ``f1``-``f6`` (fills), heat ``q0``-``q5``.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from zlib import crc32

from markupsafe import Markup, escape

Point = tuple[float, float]
Tick = tuple[float, str]
HEAT_STEPS = 5
FAINT = 0.07
DOT = "dot"
HOLLOW = "hollow"
_STITCH = "M.6.5C3.2 1 6.3 5.5 6.5 13.5 3.2 11.6.7 6.5.6.5zM13.4.5C10.8 1 7.7 5.5 7.5 13.5c3.3-1.9 5.8-7 5.9-13z"
_MARKS = {
    "circle": '<circle class="f1 ring" r="5.5"/>',
    "triangle": '<path class="f2 ring" d="M0-6.5 6.5 5H-6.5z"/>',
    "square": '<path class="f5 ring" d="M-5-5H5V5H-5z"/>',
}
_MARK_SERIES = {"circle": 1, "triangle": 2, "square": 5}


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """A line: its points, its class (``k1`` … ``k6``, with ``dash`` or ``step``), its name, and its band.

    ``nudge`` moves the name by pixels where two lines end close together.
    """

    points: Sequence[float]
    cls: str = "k1"
    name: str = ""
    nudge: float = 0
    low: Sequence[float] | None = None
    high: Sequence[float] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """One point of a scatter: place in per cent from the bottom left, class, radius, and its words."""

    x: float
    y: float
    cls: str = "f1 ring"
    r: float = 4.5
    text: str = ""
    anchor: str = ""
    dx: float = 8
    dy: float = 4


def spark(
    points: Sequence[float], label: str = "", h: int = 32, cls: str = "k1 thin", lo: float = 0, *, area: bool = True
) -> Markup:
    """Draw a line without axes, from zero, its last value marked."""
    values = _values(points)
    hi = max(*values, lo)
    inner = _frame(f'x="0" y="3" width="97%" height="{h - 6}"', _plot(values, cls, lo=lo, hi=hi, area=area))
    y = 3 + (h - 6) * (1 - _share(values[-1], lo, hi))
    return _svg(f'{inner}<circle class="f1 ring" cx="97%" cy="{_n(y)}" r="3.5"/>', h, label)


def small(points: Sequence[float], hi: float, label: str = "", h: int = 64) -> Markup:
    """Draw one of many: all share the scale ``hi``, stand on zero, and mark the last value."""
    values, top = _values(points), hi or 1
    inner = f'<line class="ax" x1="0" x2="100%" y1="{h - 1}" y2="{h - 1}"/>'
    inner += _frame(f'x="0" y="4" width="100%" height="{h - 5}"', _plot(values, "k1", lo=0, hi=top, area=True))
    y = 4 + (h - 5) * (1 - values[-1] / top)
    return _svg(f'{inner}<circle class="f1 ring" cx="100%" cy="{_n(y)}" r="4"/>', h, label)


def interval(
    lo: float,
    mid: float,
    hi: float,
    vmin: float = 0,
    vmax: float = 100,
    *,
    series: int = 1,
    ref: float | None = None,
    label: str = "",
    h: int = 24,
    shape: str = DOT,
) -> Markup:
    """Draw an estimate with its interval on a shared scale; ``ref`` is the dashed reference.

    ``shape`` is ``dot``, ``hollow`` (not sure) or ``diamond`` (demanded).
    """
    c = _n(h / 2)

    def at(value: float) -> str:
        return _n(_within(_share(value, vmin, vmax)) * 100)

    inner = f'<line class="grid" x1="0" x2="100%" y1="{c}" y2="{c}"/>'
    if ref is not None:
        inner += f'<line class="ref" x1="{at(ref)}%" x2="{at(ref)}%" y1="0" y2="{h}"/>'
    inner += f'<line class="thick k{series}" x1="{at(lo)}%" x2="{at(hi)}%" y1="{c}" y2="{c}"/>'
    if shape == DOT:
        inner += f'<circle class="f{series} ring" cx="{at(mid)}%" cy="{c}" r="5.5"/>'
    elif shape == HOLLOW:
        inner += f'<circle class="hollow k{series}" cx="{at(mid)}%" cy="{c}" r="4.5"/>'
    else:
        inner += _placed(at(mid), c, f'<path class="f{series} ring" d="M0-7 7 0 0 7-7 0z"/>')
    return _svg(inner, h, label)


def bar(
    value: float, vmax: float = 100, *, series: int = 1, h: int = 20, label: str = "", ref: float | None = None
) -> Markup:
    """Draw a bar from zero on its track; ``ref`` is a tick on the same scale."""
    inner = f'<rect class="q0" x="0" y="3" width="100%" height="{h - 6}"/>'
    width = _n(_within(_share(value, 0, vmax)) * 100)
    inner += f'<rect class="f{series}" x="0" y="3" width="{width}%" height="{h - 6}"/>'
    if ref is not None:
        x = _n(_within(_share(ref, 0, vmax)) * 100)
        inner += f'<line class="ax" x1="{x}%" x2="{x}%" y1="0" y2="{h}" stroke-width="2"/>'
    return _svg(inner, h, label)


def stacked(parts: Sequence[tuple[float, str]], h: int = 28, label: str = "") -> Markup:
    """Draw parts of a whole as ``(value, class)``, with gaps of paper so that it reads without colour."""
    whole = sum(value for value, _ in parts) or 1
    x, inner = 0.0, ""
    for value, cls in parts:
        width = value / whole * 100
        inner += f'<rect class="{escape(cls)}" x="{_n(x)}%" y="0" width="{_n(width)}%" height="{h}"/>'
        if x:
            inner += f'<rect class="fp" x="{_n(x)}%" y="0" width="2" height="{h}"/>'
        x += width
    return _svg(inner, h, label)


def tone(negative: float, neutral: float, positive: float, label: str = "") -> Markup:
    """Draw three shares (summing to 100) diverging around the middle of the neutral ones."""
    half = neutral / 4
    inner = (
        f'<rect class="f6" x="{_n(50 - half)}%" y="7" width="{_n(neutral / 2)}%" height="10" opacity=".45"/>'
        f'<rect class="f3" x="{_n(50 - half - negative / 2)}%" y="7" width="{_n(negative / 2)}%" height="10"/>'
        f'<rect class="f4" x="{_n(50 + half)}%" y="7" width="{_n(positive / 2)}%" height="10"/>'
        '<line class="ax" x1="50%" x2="50%" y1="2" y2="22"/>'
    )
    return _svg(inner, 24, label)


def dots(
    values: Sequence[tuple[float | None, float | None, float | None]],
    vmin: float = 0,
    vmax: float = 100,
    h: int = 34,
    label: str = "",
) -> Markup:
    """Draw up to three groups on one scale, each ``(low, middle, high)``: circle, triangle, square.

    A group whose middle is None is left out (too few people).
    """

    def at(value: float) -> str:
        return _n(_within(_share(value, vmin, vmax)) * 100)

    inner = f'<line class="grid" x1="0" x2="100%" y1="{_n(h / 2)}" y2="{_n(h / 2)}"/>'
    for place, ((low, middle, high), shape) in enumerate(zip(values, _MARKS, strict=False)):
        if middle is None:
            continue
        y = _n(7 + place * (h - 14) / 2)
        if low is not None and high is not None:
            inner += f'<line class="thick k{_MARK_SERIES[shape]}" x1="{at(low)}%" x2="{at(high)}%" y1="{y}" y2="{y}"/>'
        inner += _placed(at(middle), y, _MARKS[shape])
    return _svg(inner, h, label)


def gap(wanted: float, reached: float, h: int = 22, label: str = "", *, much: float = 20) -> Markup:
    """Draw what was wanted (diamond) and what was reached (dot) with the way between them, of 100."""
    c, series = _n(h / 2), 3 if wanted - reached > much else 6
    inner = (
        f'<line class="grid" x1="0" x2="100%" y1="{c}" y2="{c}"/>'
        f'<line class="thick k{series}" x1="{_n(min(wanted, reached))}%" x2="{_n(max(wanted, reached))}%"'
        f' y1="{c}" y2="{c}" opacity=".45"/><circle class="f1 ring" cx="{_n(reached)}%" cy="{c}" r="5.5"/>'
    )
    return _svg(inner + _placed(_n(wanted), c, '<path class="hollow k1" d="M0-5 5 0 0 5-5 0z"/>'), h, label)


def week(values: Sequence[Sequence[float]], days: Sequence[str], label: str = "") -> Markup:
    """Draw seven days by twenty-four hours in six steps of heat; the names of the days take 12 %."""
    top = max((max(row) for row in values), default=0) or 1
    left, height = 12, 20
    width = (100 - left) / 24
    inner = ""
    for day, row in enumerate(values):
        inner += f'<text x="0" y="{day * height + 14}">{escape(days[day])}</text>'
        for hour, value in enumerate(row):
            inner += (
                f'<rect class="q{_heat(value / top)}" x="{_n(left + hour * width)}%" y="{day * height}"'
                f' width="{_n(width * 0.92)}%" height="{height - 2}"/>'
            )
    foot = len(values) * height
    for hour in (0, 6, 12, 18):
        inner += f'<text x="{_n(left + hour * width)}%" y="{foot + 14}">{hour}</text>'
    inner += f'<text class="end" x="100%" y="{foot + 14}">24 h</text>'
    return _svg(inner, foot + 18, label)


def swatch(values: Sequence[float], label: str) -> Markup:
    """Draw days as knitting: a stitch a day, a column a week, darker where more was written."""
    return _swatch(tuple(values), label)


@lru_cache(maxsize=256)
def _swatch(values: tuple[float, ...], label: str) -> Markup:
    top = max(values, default=0) or 1
    name = f"knit{crc32(label.encode()):x}"
    inner = f'<defs><path id="{name}" d="{_STITCH}"/></defs>'
    for place, value in enumerate(values):
        heat = 0 if value <= 0 else min(HEAT_STEPS, 1 + int(value / top * 4.999))
        inner += f'<use href="#{name}" class="q{heat}" x="{place // 7 * 14}" y="{place % 7 * 11}"/>'
    width = (len(values) + 6) // 7 * 14
    return Markup(f'<svg role="img" aria-label="{escape(label)}" viewBox="0 0 {width} 82">{inner}</svg>')  # noqa: S704 - escaped


def lines(
    series: Sequence[Series],
    label: str,
    *,
    h: int = 200,
    xticks: Sequence[Tick] = (),
    yticks: Sequence[Tick] = (),
    lo: float = 0,
    hi: float | None = None,
    right: float = 18,
    notes: Sequence[tuple[float, float, str, str]] = (),
) -> Markup:
    """Draw lines that carry their names at their ends, each with its band if it has one.

    ``xticks`` are ``(per cent of the width, text)``, ``yticks`` are ``(value, text)``; ``right`` is the room for
    names in per cent; ``notes`` are ``(x %, y px, class, text)``.
    """
    top = _ceiling(series) if hi is None else hi
    left, width = 8.0, 92.0 - right

    def at(value: float) -> float:
        return 8 + (h - 8) * (1 - _share(value, lo, top))

    inner = "".join(
        f'<line class="grid" x1="{_n(left)}%" x2="{_n(left + width)}%" y1="{_n(at(v))}" y2="{_n(at(v))}"/>'
        f'<text x="0" y="{_n(at(v) + 4)}">{escape(text)}</text>'
        for v, text in yticks
    )
    inner += f'<line class="ax" x1="{_n(left)}%" x2="{_n(left + width)}%" y1="{h}" y2="{h}"/>'
    body = "".join(_band(s, lo, top) + _plot(_values(s.points), s.cls, lo=lo, hi=top) for s in series)
    inner += _frame(f'x="{_n(left)}%" y="8" width="{_n(width)}%" height="{h - 8}" overflow="visible"', body)
    for s in (s for s in series if s.name):
        end = at(_values(s.points)[-1])
        inner += (
            f'<circle class="{_fill(s.cls)} ring" cx="{_n(left + width)}%" cy="{_n(end)}" r="4"/>'
            f'<text class="strong" x="{_n(left + width + 2)}%" y="{_n(end + s.nudge + 4)}">{escape(s.name)}</text>'
        )
    for x, text in xticks:
        anchor = "" if x <= 0 else "end" if x >= 100 else "mid"  # noqa: PLR2004
        inner += f'<text class="{anchor}" x="{_n(left + x * width / 100)}%" y="{h + 17}">{escape(text)}</text>'
    for x, px, cls, text in notes:
        inner += f'<text class="{escape(cls)}" x="{_n(x)}%" y="{_n(px)}">{escape(text)}</text>'
    return _svg(inner, h + 22, label)


def line(points: Sequence[float], label: str, **more: object) -> Markup:
    """Draw one line with axes; the rest as in `lines`."""
    return lines([Series(points=points)], label, **{"right": 2, **more})  # type: ignore[arg-type]


def area(points: Sequence[float], label: str, **more: object) -> Markup:
    """Draw one filled line with axes, from zero; the rest as in `lines`."""
    return lines([Series(points=points, cls="k1 filled")], label, **{"right": 2, **more})  # type: ignore[arg-type]


def scatter(marks: Iterable[Mark], label: str, h: int = 420, *, cross: bool = False) -> Markup:
    """Draw points on a plane, each with its words; ``cross`` draws the two middle lines."""
    inner = ""
    if cross:
        inner = (
            f'<line class="grid" x1="50%" x2="50%" y1="0" y2="{h}"/>'
            f'<line class="grid" x1="0" x2="100%" y1="{_n(h / 2)}" y2="{_n(h / 2)}"/>'
        )
    for mark in marks:
        y = _n(h * (1 - mark.y / 100))
        inner += f'<circle class="{escape(mark.cls)}" cx="{_n(mark.x)}%" cy="{y}" r="{_n(mark.r)}"/>'
        if mark.text:
            place = f'class="strong {escape(mark.anchor)}" x="{_n(mark.dx)}" y="{_n(mark.dy)}"'
            words = f"<text {place}>{escape(mark.text)}</text>"
            inner += _placed(_n(mark.x), y, words)
    return _svg(inner, h + 4, label)


def bars(values: Sequence[tuple[str, float]], label: str, *, h: int = 140, series: int = 1) -> Markup:
    """Draw upright bars from zero with their names below, for counts by day, week or step."""
    top = max((value for _, value in values), default=0) or 1
    width = 100 / (len(values) or 1)
    inner = f'<line class="ax" x1="0" x2="100%" y1="{h}" y2="{h}"/>'
    for place, (name, value) in enumerate(values):
        tall = (h - 18) * value / top
        inner += (
            f'<rect class="f{series}" x="{_n(place * width + width * 0.1)}%" y="{_n(h - tall)}"'
            f' width="{_n(width * 0.8)}%" height="{_n(tall)}"><title>{escape(name)}: {_n(value)}</title></rect>'
            f'<text class="mid" x="{_n((place + 0.5) * width)}%" y="{h + 17}">{escape(name)}</text>'
        )
    return _svg(inner, h + 22, label)


def heat(value: float, steps: Sequence[float]) -> int:
    """Return the step of heat (0 to 5) of a value, given the lower ends of steps 1 to 5."""
    return sum(value >= least for least in steps)


def _n(value: float) -> str:
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text in {"-0", ""} else text


def _svg(inner: str, h: float, label: str) -> Markup:
    role = f'role="img" aria-label="{escape(label)}"' if label else 'aria-hidden="true"'
    return Markup(f'<svg {role} height="{_n(h)}">{inner}</svg>')  # noqa: S704 - every word in it is escaped


def _frame(place: str, body: str) -> str:
    return f'<svg viewBox="0 0 100 100" preserveAspectRatio="none" {place}>{body}</svg>'


def _placed(x: str, y: str, body: str) -> str:
    return f'<svg x="{x}%" y="{y}" overflow="visible">{body}</svg>'


def _values(points: Sequence[float]) -> list[float]:
    values = [float(p) for p in points] or [0.0]
    return values * 2 if len(values) == 1 else values


def _share(value: float, lo: float, hi: float) -> float:
    return (value - lo) / ((hi - lo) or 1)


def _within(share: float) -> float:
    return min(1.0, max(0.0, share))


def _heat(share: float) -> int:
    return 0 if share < FAINT else min(HEAT_STEPS, 1 + int(share * 4.999))


def _corners(points: Sequence[float], lo: float, hi: float, *, step: bool) -> list[Point]:
    last = len(points) - 1
    xy = [(i * 100 / last, 100 - _share(p, lo, hi) * 100) for i, p in enumerate(points)]
    if step:
        xy = [c for (x, y), (x2, _) in pairwise(xy) for c in ((x, y), (x2, y))] + xy[-1:]
    return xy


def _join(xy: Iterable[Point]) -> str:
    return "L".join(f"{_n(x)} {_n(y)}" for x, y in xy)


def _plot(points: Sequence[float], cls: str, *, lo: float, hi: float, area: bool = False) -> str:
    drawn = "M" + _join(_corners(points, lo, hi, step="step" in cls))
    filled = f'<path class="area" d="{drawn}V100H0Z"/>' if area or "filled" in cls else ""
    return f'{filled}<path class="ln {escape(cls)}" d="{drawn}"/>'


def _band(series: Series, lo: float, hi: float) -> str:
    if series.low is None or series.high is None:
        return ""
    step = "step" in series.cls
    under = _corners(_values(series.low), lo, hi, step=step)
    over = _corners(_values(series.high), lo, hi, step=step)
    return f'<path class="band {_fill(series.cls)}" d="M{_join(under)}L{_join(over[::-1])}Z"/>'


def _fill(cls: str) -> str:
    return str(escape(cls.split(maxsplit=1)[0].replace("k", "f")))


def _ceiling(series: Sequence[Series]) -> float:
    return max((max([*_values(s.points), *(s.high or ())]) for s in series), default=1) or 1
