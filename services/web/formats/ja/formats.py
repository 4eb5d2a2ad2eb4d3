"""Dates and times in Japanese, where Django's own differ from what a Japanese site writes."""

MONTH_DAY_FORMAT = "n月j日(D)"
DATETIME_FORMAT = "Y年n月j日 G:i"
