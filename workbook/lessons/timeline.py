"""Pictures of what was recorded: Pods' states over time, and the requests that failed meanwhile."""

import io
from typing import Any

from workbook.lessons.prober import Prober
from workbook.lessons.recorder import ENDED, Recorder

# Colours that differ in brightness, too, with a pattern each: for print, and for those who see colours differently.
LOOKS = {
    "Ready": ("#1a7f5a", ""),
    "Running": ("#f2c14e", "///"),
    "Pending": ("#e8e8e8", ""),
    "ContainerCreating": ("#cfcfcf", ""),
    "Terminating": ("#8aa1c1", "..."),
    "CrashLoopBackOff": ("#8c1c2f", "xxx"),
    "Error": ("#8c1c2f", ""),
}
OTHER = ("#9a9a9a", "")


class Picture:
    """A drawing that a notebook shows as an image, and everything else as the words that describe it."""

    def __init__(self, figure: Any, words: str) -> None:
        buffer = io.BytesIO()
        figure.savefig(
            buffer, format="png", dpi=110, bbox_inches="tight", facecolor="white", metadata={"Description": words}
        )
        self.png, self.words = buffer.getvalue(), words

    def __repr__(self) -> str:
        return self.words

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> tuple[dict, dict]:
        return {"image/png": self.png, "text/plain": self.words}, {"image/png": {"alt": self.words}}


def timeline(recorded: Recorder, *, title: str, probed: Prober | None = None) -> Picture:
    """Draws a bar for each Pod, in the colour of its state; below, the requests, when a prober ran meanwhile.

    Args:
        recorded: a recording that has ended.
        title: the caption.
        probed: the prober of the same time.

    Returns:
        A picture with a description in words.

    Documentation: https://matplotlib.org/stable/gallery/lines_bars_and_markers/broken_barh.html
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

    bars = _bars(recorded)
    pods = sorted({pod for pod, *_ in bars})
    lanes = len(pods) + (1 if probed else 0)
    figure = Figure(figsize=(9, 0.6 * lanes + 1.6), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    for pod, state, begin, end in bars:
        colour, hatch = LOOKS.get(state, OTHER)
        axes.broken_barh(
            [(begin, end - begin)], (-pod - 0.35, 0.7), facecolors=colour, hatch=hatch, edgecolor="#222", linewidth=0.5
        )
    labels = [(-pod, f"Pod {pod}") for pod in pods]
    marks: list[Any] = []
    if probed:
        lane = -len(pods) - 1
        labels.append((lane, "requests"))
        for good, mark, colour, label in (
            (True, "|", "#1a7f5a", "request answered"),
            (False, "x", "#8c1c2f", "request failed"),
        ):
            lag = probed.begun - recorded.begun if probed.begun else 0
            times = [seconds + lag for seconds, status in probed.rows if (status == 200) is good]
            if times:
                marks += axes.plot(
                    times, [lane] * len(times), mark, color=colour, markersize=9, linestyle="none", label=label
                )
    axes.set_yticks([at for at, _ in labels], [label for _, label in labels])
    axes.set_xlabel("seconds")
    axes.set_title(title)
    axes.set_ylim(-lanes - 0.6, -0.4)
    axes.set_xlim(0, max([recorded.length, *(end for *_, end in bars)]))
    axes.spines[["top", "right"]].set_visible(False)
    if again := _restarts(recorded):
        marks += axes.plot(
            [at for _, at in again],
            [0.45 - pod for pod, _ in again],
            "v",
            color="#222",
            linestyle="none",
            label="restart",
        )
    states = list(dict.fromkeys(state for _, state, _, _ in bars))
    patches = [
        Patch(facecolor=LOOKS.get(state, OTHER)[0], hatch=LOOKS.get(state, OTHER)[1], edgecolor="#222", label=state)
        for state in states
    ]
    figure.legend(handles=patches + marks, loc="outside lower center", ncols=5, frameon=False)
    return Picture(figure, _words(title, bars, again, probed))


def _bars(recorded: Recorder) -> list[tuple[int, str, float, float]]:
    """(Pod's number, state, begin, end) of each stretch, in seconds."""
    table = recorded.transitions(wide=True)
    bars = []
    for pod in dict.fromkeys(table.index):
        rows = table.loc[[pod]]
        ends = [*rows["SECONDS"].tolist()[1:], recorded.length]
        for state, begin, end in zip(rows["TO"], rows["SECONDS"], ends, strict=True):
            if state != ENDED and end > begin:
                bars.append((pod, state, begin, end))
    return bars


def _restarts(recorded: Recorder) -> list[tuple[int, float]]:
    """(Pod's number, seconds) of each restart of a container."""
    table = recorded.transitions(wide=True)
    return [
        (pod, at)
        for pod in dict.fromkeys(table.index)
        for at, more in zip(table.loc[[pod], "SECONDS"], table.loc[[pod], "RESTARTS"].diff(), strict=True)
        if more > 0
    ]


def _words(
    title: str,
    bars: list[tuple[int, str, float, float]],
    again: list[tuple[int, float]],
    probed: Prober | None,
) -> str:
    """The picture in words: to the second, or to a tenth where it is short."""
    lines = [title]
    digits = 0 if max((end for *_, end in bars), default=0) > 20 else 1
    for pod in dict.fromkeys(pod for pod, *_ in bars):
        told = ", ".join(
            f"{state} {begin:.{digits}f}–{end:.{digits}f} s" for number, state, begin, end in bars if number == pod
        )
        at = [f"{seconds:.{digits}f}" for number, seconds in again if number == pod]
        lines.append(f"Pod {pod}: {told}" + (f"; restarted at {', '.join(at)} s" if at else ""))
    if probed:
        lines.append(
            f"requests: {len(probed.rows)}, of which {probed.failures} failed; longest failure {probed.downtime:.0f} s"
        )
    return "\n".join(lines)
