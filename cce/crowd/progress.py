from cce.models.progress import Job, Progress, bar_wanted  # noqa: F401
