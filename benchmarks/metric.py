"""One measured figure."""

from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Metric:
    """A figure with its unit; ``metric`` is its stable name in JSON and in docs/measurements.md."""

    metric: str
    value: float
    unit: str

    def as_dict(self) -> dict[str, object]:
        """Return the JSON shape."""
        return asdict(self)
