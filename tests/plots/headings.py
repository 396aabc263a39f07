"""What a picture says above its drawing."""

from matplotlib.figure import Figure


def heading_of(figure: Figure) -> str:
    """The title and the note, as one line."""
    return " ".join(text.get_text().replace("\n", " ") for text in figure.texts[:2]).strip()
