"""Metrics: the contract, the names of those there are, and the built-in ones."""

from bench.metrics.built_in import binary_log_loss, expected_calibration_error, fpr_at_recall, signal_detection
from bench.metrics.contract import (
    HIGHER,
    LOWER,
    METRICS,
    NEITHER,
    SHARE,
    Metric,
    Scored,
    evaluate,
    judged_metrics,
    metric_names,
    metric_position,
    register_metric,
    validation_metrics,
)

__all__ = [
    "HIGHER",
    "LOWER",
    "METRICS",
    "NEITHER",
    "SHARE",
    "Metric",
    "Scored",
    "binary_log_loss",
    "evaluate",
    "expected_calibration_error",
    "fpr_at_recall",
    "judged_metrics",
    "metric_names",
    "metric_position",
    "register_metric",
    "signal_detection",
    "validation_metrics",
]
