"""What figures are called, in words a curator understands."""

SHARES = {
    "top1": "right item first (top-1)",
    "top3": "right item among the first 3",
    "answered_right": "answered rightly",
    "answered_wrong": "answered wrongly",
    "retaken": "asked to be retaken",
}
UNKNOWN = {
    "look_alike": "exhibits of the place, each treated as unknown in turn",
    "untrained": "exhibits of the place it was not shown",
    "other_place": "other places' exhibits",
    "ood": "photos that show no exhibit",
}
