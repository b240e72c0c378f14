"""Says to a chat model, by each of the means there are, in which form its answer should come."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from gateway_client.answers.forms import Form
from gateway_client.answers.strict_schema import name_of, strict_schema

if TYPE_CHECKING:
    from collections.abc import Sequence

    from langchain_core.language_models import BaseChatModel, LanguageModelInput
    from langchain_core.messages import AIMessage, BaseMessage
    from langchain_core.runnables import Runnable
    from pydantic import BaseModel


def bound(
    chat_model: BaseChatModel, reply: type[BaseModel], form: Form
) -> Runnable[LanguageModelInput, AIMessage]:
    """Return the model with the form bound to it, if the form is one that is bound."""
    name = name_of(reply)
    match form:
        case Form.SCHEMA:
            wanted = {"name": name, "schema": strict_schema(reply), "strict": True}
            return chat_model.bind(response_format={"type": "json_schema", "json_schema": wanted})
        case Form.FUNCTION:
            function = {
                "name": name,
                "description": "Give the answer.",
                "parameters": strict_schema(reply),
            }
            tools = [{"type": "function", "function": function}]
            return chat_model.bind_tools(tools, tool_choice=name)
        case Form.JSON:
            return chat_model.bind(response_format={"type": "json_object"})
    return chat_model


def with_request(messages: Sequence[BaseMessage], reply: type[BaseModel]) -> list[BaseMessage]:
    """Append the request to the last message: some models want turns to alternate strictly."""
    *before, last = messages
    return [*before, last.model_copy(update={"content": _extended(last, reply)})]


def _extended(last: BaseMessage, reply: type[BaseModel]) -> str | list[Any]:
    """Return the content with the request after it; pictures among its parts stay."""
    if isinstance(last.content, str):
        return f"{last.content}\n\n{request(reply)}"
    return [*last.content, {"type": "text", "text": request(reply)}]


def request(reply: type[BaseModel]) -> str:
    """Return the request in words."""
    schema = json.dumps(strict_schema(reply), ensure_ascii=False)
    return f"Answer with one JSON object and nothing else. It must fit this JSON Schema:\n{schema}"
