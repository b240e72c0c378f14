"""One's own files as a place to search: found, read, indexed on disk, and ranked."""

from agent.adapters.corpus.engine import Corpus

__all__ = ["Corpus"]
