"""Draw a recording: the Pods' states over time, and the requests that failed in the meantime."""

import io
from typing import TYPE_CHECKING, Any, NamedTuple

from workbook.lessons.prober import Prober
from workbook.lessons.recorder import ENDED, Recorder

if TYPE_CHECKING:
    from matplotlib.figure import Figure

GOOD, BAD, LINES = "#1a7f5a", "#8c1c2f", "#222"
STYLES = {
    "Ready": (GOOD, ""),
    "Running": ("#f2c14e", "///"),
    "Pending": ("#e8e8e8", ""),
    "ContainerCreating": ("#cfcfcf", ""),
    "Terminating": ("#8aa1c1", "..."),
    "CrashLoopBackOff": (BAD, "xxx"),
    "Error": (BAD, ""),
}
"""The color and the pattern of each state. The patterns keep states distinct in print and for color-blind readers."""
OTHER = ("#9a9a9a", "")


class Span(NamedTuple):
    """The time, in seconds since the recording began, that the Pod with this number spent in a state."""

    pod: int
    state: str
    begin: float
    end: float


class Picture:
    """A drawing: an image in a notebook, and its description in words everywhere else."""

    def __init__(self, figure: "Figure", words: str) -> None:
        buffer = io.BytesIO()
        figure.savefig(
            buffer, format="png", dpi=110, bbox_inches="tight", facecolor="white", metadata={"Description": words}
        )
        self.png, self.words = buffer.getvalue(), words

    def __repr__(self) -> str:
        return self.words

    def _repr_mimebundle_(
        self, include: object = None, exclude: object = None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        return {"image/png": self.png, "text/plain": self.words}, {"image/png": {"alt": self.words}}


def timeline(recorded: Recorder, *, title: str, probed: Prober | None = None) -> Picture:
    """Draw a bar for each Pod, in the color of its state; below, the requests of a prober.

    Args:
        recorded: a recording that has ended.
        title: the caption.
        probed: a prober that ran at the same time.

    Returns:
        A picture with a description in words.

    Raises:
        WorkbookError: the recording broke off.

    Documentation: https://matplotlib.org/stable/gallery/lines_bars_and_markers/broken_barh.html
    """
    # Imported here because matplotlib loads slowly.
    from matplotlib.artist import Artist
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

    spans, restarts = _spans(recorded), _restarts(recorded)
    pods = sorted({span.pod for span in spans})
    lanes = len(pods) + (1 if probed else 0)
    figure = Figure(figsize=(9, 0.6 * lanes + 1.6), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    for pod, state, begin, end in spans:
        color, hatch = STYLES.get(state, OTHER)
        axes.broken_barh(
            [(begin, end - begin)], (-pod - 0.35, 0.7), facecolors=color, hatch=hatch, edgecolor=LINES, linewidth=0.5
        )
    legend: list[Artist] = []
    for state in dict.fromkeys(span.state for span in spans):
        color, hatch = STYLES.get(state, OTHER)
        legend.append(Patch(facecolor=color, hatch=hatch, edgecolor=LINES, label=state))
    labels = {-pod: f"Pod {pod}" for pod in pods}
    if probed:
        lane = -len(pods) - 1
        labels[lane] = "requests"
        lag = probed.begun - recorded.begun if probed.begun else 0
        for good, mark, color, label in ((True, "|", GOOD, "request answered"), (False, "x", BAD, "request failed")):
            times = [seconds + lag for seconds, status in probed.rows if (status == 200) is good]
            if times:
                legend += axes.plot(
                    times, [lane] * len(times), mark, color=color, markersize=9, linestyle="none", label=label
                )
    axes.set_yticks(list(labels), list(labels.values()))
    axes.set_xlabel("seconds")
    axes.set_title(title)
    axes.set_ylim(-lanes - 0.6, -0.4)
    axes.set_xlim(0, max([recorded.length, *(span.end for span in spans)]))
    axes.spines[["top", "right"]].set_visible(False)
    if restarts:
        times, lifted = [at for _, at in restarts], [0.45 - pod for pod, _ in restarts]
        legend += axes.plot(times, lifted, "v", color=LINES, linestyle="none", label="restart")
    figure.legend(handles=legend, loc="outside lower center", ncols=5, frameon=False)
    return Picture(figure, _words(title, spans, restarts, probed))


def _spans(recorded: Recorder) -> list[Span]:
    """The time that each Pod spent in each state, Pod by Pod."""
    table = recorded.transitions(wide=True)
    spans = []
    for pod in dict.fromkeys(table.index):
        rows = table.loc[[pod]]
        begins: list[float] = rows["SECONDS"].tolist()
        ends = [*begins[1:], recorded.length]
        spans += [Span(pod, *span) for span in zip(rows["TO"], begins, ends, strict=True)]
    return [span for span in spans if span.state != ENDED and span.end > span.begin]


def _restarts(recorded: Recorder) -> list[tuple[int, float]]:
    """(Pod's number, seconds) of each restart of a container."""
    table = recorded.transitions(wide=True)
    more = table.groupby(level=0)["RESTARTS"].diff() > 0
    return list(zip(table.index[more], table["SECONDS"][more], strict=True))


def _words(title: str, spans: list[Span], restarts: list[tuple[int, float]], probed: Prober | None) -> str:
    """Describe the picture in words. Seconds have a decimal place if it ends within 20 s."""
    lines = [title]
    digits = 0 if max((span.end for span in spans), default=0) > 20 else 1
    for pod in dict.fromkeys(span.pod for span in spans):
        states = [
            f"{state} {begin:.{digits}f}–{end:.{digits}f} s" for number, state, begin, end in spans if number == pod
        ]
        times = [f"{seconds:.{digits}f}" for number, seconds in restarts if number == pod]
        lines.append(f"Pod {pod}: {', '.join(states)}" + (f"; restarted at {', '.join(times)} s" if times else ""))
    if probed:
        lines.append(
            f"requests: {len(probed.rows)}, of which {probed.failures} failed; longest failure {probed.downtime:.0f} s"
        )
    return "\n".join(lines)
