"""Samples, their medians, and the ratios in which only one run is compared with itself."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from statistics import median
from typing import Any, Self

BARE, OURS = "bare", "ours"


@dataclass(frozen=True, slots=True)
class Sample:
    """One load of one server."""

    requests: int  # answered as they should be
    refused: int
    per_second: float
    p50_ms: float
    p99_ms: float
    cpu_us: float  # of the server process, a request

    @classmethod
    def of(cls, found: dict[str, Any], *, cpu_seconds: float) -> Self:
        """From what the load found."""
        seconds = sorted(found["seconds"])
        good = len(found["answered"])
        return cls(
            requests=good,
            refused=len(seconds) - good,
            per_second=good / found["took"],
            p50_ms=1000 * seconds[len(seconds) // 2],
            p99_ms=1000 * seconds[len(seconds) * 99 // 100],
            cpu_us=1_000_000 * cpu_seconds / max(1, len(seconds)),
        )


Figures = dict[str, dict[str, list[Sample]]]  # kind of request, side


def summary(figures: Figures) -> dict[str, Any]:
    """Medians of each side, and the ratios of ours to bare in each repetition: their median, least and most."""
    return {
        kind: {
            **{
                side: {**_medians(samples), "samples": [asdict(one) for one in samples]}
                for side, samples in sides.items()
            },
            "ratios": {name: _ratio(sides, name) for name in ("per_second", "p99_ms", "cpu_us")},
        }
        for kind, sides in figures.items()
    }


def table(figures: Figures) -> str:
    """The same for a reader."""
    lines = [
        "| request | handler | requests/s | p50 ms | p99 ms | CPU µs | of bare: requests/s | p99 | CPU |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for kind, found in summary(figures).items():
        for side in (BARE, OURS):
            row = found[side]
            measured = f"{row['per_second']:.0f} | {row['p50_ms']:.1f} | {row['p99_ms']:.1f} | {row['cpu_us']:.0f}"
            lines.append(f"| {kind} | {side} | {measured} | {_ratios(found['ratios']) if side == OURS else '| |'} |")
    return "\n".join(lines)


def _ratios(ratios: dict[str, dict[str, float]]) -> str:
    rate, p99, cpu = ratios["per_second"], ratios["p99_ms"], ratios["cpu_us"]
    return (
        f"{rate['median']:.0%} ({rate['least']:.0%}–{rate['most']:.0%}) | {p99['median']:.1f}× | {cpu['median']:.1f}×"
    )


def _medians(samples: list[Sample]) -> dict[str, float]:
    names = ("requests", "refused", "per_second", "p50_ms", "p99_ms", "cpu_us")
    return {name: median(getattr(sample, name) for sample in samples) for name in names}


def _ratio(sides: dict[str, list[Sample]], name: str) -> dict[str, float]:
    pairs = zip(sides[OURS], sides[BARE], strict=True)
    ratios = [getattr(ours, name) / max(1e-9, getattr(bare, name)) for ours, bare in pairs]
    return {"median": median(ratios), "least": min(ratios), "most": max(ratios)}
