"""The method: prompts, crowd answers, crowd judgments, selection, outcome removal, judges."""
