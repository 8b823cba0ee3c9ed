"""Where a series changed, by Apache Otava (E-divisive and a t-test: Fleming et al., ICPE 2023).

Raw times that were recorded at different hours go together with the hour, and a change point detector then finds
changes that are none (../../../docs/regressions.md has figures). So only what does not depend on the hour is looked at:
exact costs, and the paired ratios of scripts/regress."""

from otava.analysis import compute_change_points

WINDOW, MOST_P, SMALLEST = 50, 0.001, 0.02
LEAST = 4  # points of a series
STEADY = "exact"


def series_of(rows):
    """Returns {(name, key, metric, branch): [rows]} of what may be looked at, each from the oldest on."""
    found = {}
    for row in rows:
        looked_at = row["unit"] == "ratio" or (row["unit"] in ("bytes", "count") and row["value"] is not None)
        if looked_at:
            found.setdefault((row["name"], row["key"], row["metric"], row.get("branch", "")), []).append(row)
    return found


def changes(rows):
    """Returns a list of dicts: name, metric, date, commit, before, after and by: `exact` or Otava's p-value."""
    found = []
    for (name, _, metric, _), points in series_of(rows).items():
        values = [point["value"] for point in points]
        if points[0]["unit"] != "ratio":
            # What has no noise has changed wherever it differs.
            steps = [(at, values[at - 1], values[at], STEADY) for at in range(1, len(values)) if values[at] != values[at - 1]]
        elif len(values) < LEAST:
            steps = []
        else:
            steps = [
                (one.index, one.stats.mean_1, one.stats.mean_2, float(one.stats.pvalue))
                for one in compute_change_points(
                    list(values), window_len=WINDOW, max_pvalue=MOST_P, min_magnitude=SMALLEST
                )[0]
            ]
        for at, before, after, by in steps:
            point = points[at]
            found.append(
                {
                    "name": name,
                    "metric": metric,
                    "unit": point["unit"],
                    "date": point["date"],
                    "commit": point["commit"],
                    "before": before,
                    "after": after,
                    "by": by,
                }
            )
    return sorted(found, key=lambda change: (change["date"], change["name"], change["metric"]))
