"""Find the mistake in gradients that somebody else wrote, such as the students of an assignment."""
