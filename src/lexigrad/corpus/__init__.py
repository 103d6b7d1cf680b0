"""From text to numbers: what reads text, counts words and encodes them."""
