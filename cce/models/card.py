"""The model card beside a student's weights: what it is, from what, and what it may not be used for."""

from dataclasses import dataclass

NOT_FOR = (
    "Decisions about people, and any use in which what it writes stands without a second look. It imitates its "
    "examples, errors included, and how well it does on your own tasks is unknown until you have measured it."
)


@dataclass(frozen=True)
class Card:
    """What the caller of a training knows: a line or two each."""

    title: str
    what: str
    data: str
    licence: str
    not_for: str = NOT_FOR


def card_text(card: Card, recipe: dict, examples: str, losses: list[float], versions: str) -> str:
    """The card in Markdown, with the settings, the counts in words and the loss at both ends of the training."""
    trained = f"LoRA adapter of rank {recipe['rank']} on all linear layers" if recipe["rank"] else "all weights"
    settings = "\n".join(f"| {name} | {value} |" for name, value in recipe.items())
    return f"""# {card.title}

{card.what}

- **Base**: {recipe["base"]}; trained: {trained}
- **Data**: {examples}. {card.data}
- **Licence**: {card.licence}
- **Not for**: {card.not_for}
- **Loss**: {losses[0]:.3f} at the first of {len(losses)} steps, {losses[-1]:.3f} at the last
- **Made with**: {versions}

| setting | value |
| --- | --- |
{settings}
"""
