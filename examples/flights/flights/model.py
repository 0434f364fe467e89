"""The delay model: gradient-boosted trees on what is known before a flight leaves."""

from dataclasses import dataclass
from typing import Any

import pandas as pd

NUMBERS = [
    "scheduled_hour", "day_of_week", "distance_mi", "seats", "plane_age_years",
    "temperature_f", "wind_mph", "precipitation_in", "visibility_mi", "pressure_mb",
]  # fmt: skip
CATEGORIES = ["carrier", "origin"]
FEATURES = NUMBERS + CATEGORIES


@dataclass(frozen=True)
class DelayModel:
    """Two fitted estimators over the same features: will a flight leave late, and how late is typical."""

    classifier: Any
    regressor: Any
    codes_by_category: dict[str, list[str]]
    late_after_minutes: int

    def features_of(self, departures: pd.DataFrame) -> pd.DataFrame:
        """Return the features of silver departures, a row each, in the order of FEATURES; unknown values stay NaN."""
        return _features_of(departures, self.codes_by_category)

    def probability_of_being_late(self, departures: pd.DataFrame) -> "pd.Series[float]":
        """Return, for each departure, how likely it leaves `late_after_minutes` or more behind its time."""
        likely = self.classifier.predict_proba(self.features_of(departures))[:, 1]
        return pd.Series(likely, index=departures.index, name="probability_of_being_late")

    def typical_delay_minutes(self, departures: pd.DataFrame) -> "pd.Series[float]":
        """Return, for each departure, the delay that it is as likely to exceed as to stay under."""
        minutes = self.regressor.predict(self.features_of(departures))
        return pd.Series(minutes, index=departures.index, name="typical_delay_minutes")


@dataclass(frozen=True)
class Scores:
    """How good a model is on flights that it did not see; the baseline answers every flight with the same minutes."""

    mae_minutes: float
    baseline_mae_minutes: float
    auc: float
    rows_trained: int
    rows_tested: int


def train_delay_model(
    departures: pd.DataFrame, test_from: str, late_after_minutes: int, rounds: int, seed: int
) -> tuple[DelayModel, Scores]:
    """Return a model fitted on the flights scheduled before `test_from`, and its scores on the others.

    Cancelled flights take no part: they have no delay to learn from.
    Raises ValueError when there are no days on one of the sides.
    """
    # Here and not at the top: scikit-learn takes a second to import, which listing the assets need not wait for.
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
    from sklearn.metrics import mean_absolute_error, roc_auc_score

    left = departures[departures["departure_delay_minutes"].notna()]
    teaches = left["scheduled_on"] < test_from
    if not teaches.any() or teaches.all():
        first, last = left["scheduled_on"].min(), left["scheduled_on"].max()
        raise ValueError(
            f"The model needs days before and days from {test_from}, and has flights from {first} to {last}. "
            "Materialize more days of silver/departures, or set test_from."
        )
    codes = {name: sorted(left[name].unique()) for name in CATEGORIES}
    features = _features_of(left, codes)
    minutes = left["departure_delay_minutes"].astype("float64")
    late = minutes >= late_after_minutes

    settings: dict[str, Any] = {
        "max_iter": rounds,
        "categorical_features": CATEGORIES,
        "early_stopping": False,
        "random_state": seed,
    }
    classifier = HistGradientBoostingClassifier(**settings).fit(features[teaches], late[teaches])
    # Absolute error, so that it aims for the median: a few flights are a day late, and means chase them.
    regressor = HistGradientBoostingRegressor(loss="absolute_error", **settings)
    regressor.fit(features[teaches], minutes[teaches])

    model = DelayModel(classifier, regressor, codes, late_after_minutes)
    seen, unseen = minutes[teaches], minutes[~teaches]
    scores = Scores(
        mae_minutes=float(mean_absolute_error(unseen, regressor.predict(features[~teaches]))),
        baseline_mae_minutes=float((unseen - seen.median()).abs().mean()),
        auc=float(roc_auc_score(late[~teaches], classifier.predict_proba(features[~teaches])[:, 1])),
        rows_trained=len(seen),
        rows_tested=len(unseen),
    )
    return model, scores


def _features_of(departures: pd.DataFrame, codes_by_category: dict[str, list[str]]) -> pd.DataFrame:
    scheduled_on = pd.to_datetime(departures["scheduled_on"])
    known = departures.assign(
        day_of_week=scheduled_on.dt.day_of_week,
        plane_age_years=scheduled_on.dt.year - departures["plane_year"].astype("float64"),
    )
    features = known[NUMBERS].astype("float64")
    for name in CATEGORIES:
        features[name] = pd.Categorical(known[name], categories=codes_by_category[name])
    return features[FEATURES]
