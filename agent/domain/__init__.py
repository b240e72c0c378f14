"""What the program talks about: frozen values and pure laws, importing nothing from above."""
