"""The calls that are no chat: pictures, films, embeddings, and the list of models."""

from gateway_client.media.embedding import embeddings
from gateway_client.media.films import Videos
from gateway_client.media.inventory import Inventory, models
from gateway_client.media.job import Job
from gateway_client.media.pictures import Image, images

__all__ = ["Image", "Inventory", "Job", "Videos", "embeddings", "images", "models"]
