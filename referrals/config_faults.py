"""What is wrong with a configuration, as lines that name the key and never repeat a secret."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

SENTENCES = {
    "bool_type": "must be true or false",
    "dict_type": "must be a section, not a value",
    "int_type": "must be a whole number",
    "model_type": "must be a section, not a value",
    "string_type": "must be text",
    "tuple_type": "must be a list",
}

Path = tuple[str | int, ...]


def readable_faults(error: ValidationError, root: type[BaseModel], names: Mapping[Path, str]) -> list[str]:
    """A line for each fault; ``names`` tells which environment variable set a key."""
    return [
        line for detail in error.errors(include_url=False, include_input=False) for line in _lines(detail, root, names)
    ]


def keys(model: type[BaseModel], before: Path = ()) -> Iterator[tuple[Path, FieldInfo]]:
    """Every key of the model, down to its leaves, as it is written in the file; lists have no number."""
    for name, info in model.model_fields.items():
        path = (*before, info.alias or name)
        inner = _inner(info.annotation)
        if inner is None:
            yield path, info
        else:
            yield from keys(inner, path)


def dotted(path: Path) -> str:
    """The path as it is said: shops[0].secrets."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
    return text.removeprefix(".")


def _lines(detail: ErrorDetails, root: type[BaseModel], names: Mapping[Path, str]) -> Iterator[str]:
    path = detail["loc"]
    context = detail.get("ctx", {})
    if detail["type"] == "contradiction":
        for key, sentence in context["faults"]:
            yield f"{dotted((*path, key))} {sentence}."
        return
    origin = next((name for place, name in names.items() if place == path), None)
    where = dotted(path) + (f" ({origin})" if origin else "")
    yield f"{where} {_sentence(detail, context, path, root)}."


def _sentence(detail: ErrorDetails, context: Mapping[str, Any], path: Path, root: type[BaseModel]) -> str:
    kind = detail["type"]
    if kind == "wrong":
        return str(context["sentence"])
    if kind == "missing":
        return "is missing"
    if kind == "extra_forbidden":
        return "is unknown" + _suggestion(path, root)
    if kind == "literal_error":
        return f"is none of {context['expected']}"
    return SENTENCES.get(kind, detail["msg"].lower())


def _suggestion(path: Path, root: type[BaseModel]) -> str:
    """Where the key may have been meant: a similar one here, else the same one elsewhere."""
    section = _model_at(root, path[:-1])
    wanted = str(path[-1])
    here = [info.alias or name for name, info in section.model_fields.items()] if section else []
    close = difflib.get_close_matches(wanted, here, n=1)
    if close:
        return f"; {dotted((*path[:-1], close[0]))} may be meant"
    elsewhere = [dotted(key) for key, _ in keys(root) if key[-1] == wanted]
    return f"; there is {' and '.join(elsewhere)}" if elsewhere else ""


def _model_at(root: type[BaseModel], path: Path) -> type[BaseModel] | None:
    model: type[BaseModel] | None = root
    for part in path:
        if isinstance(part, int) or model is None:
            continue
        model = next(
            (_inner(info.annotation) for name, info in model.model_fields.items() if part == (info.alias or name)), None
        )
    return model


def _inner(annotation: Any) -> type[BaseModel] | None:
    """The section that an annotation is about, also within a list or beside None."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((inner for part in get_args(annotation) if (inner := _inner(part)) is not None), None)
