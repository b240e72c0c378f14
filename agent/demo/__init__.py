"""The demo: a miniature internet on loopback, made from ``examples/world``.

Nothing in the stages knows that it is not the real one: it is spoken to over HTTP, its search
is SearXNG's, its papers are arXiv's, and its pages have banners and footers like any other.
"""
