"""Discord's error answers: an HTTP status with a JSON body ``{"message", "code"}``."""

from typing import Any


class ApiError(Exception):
    """Ends a request with ``status`` and Discord's ``code`` and ``message``; ``extra`` joins the body."""

    def __init__(self, status: int, code: int, message: str, **extra: Any) -> None:  # noqa: ANN401 - any JSON value
        super().__init__(message)
        self.status = status
        self.body: dict[str, Any] = {"message": message, "code": code} | extra


def unauthorized() -> ApiError:
    """Say that the token is missing, wrong or revoked."""
    return ApiError(401, 0, "401: Unauthorized")


def missing_access() -> ApiError:
    """Say that it can't be seen by who asks."""
    return ApiError(403, 50001, "Missing Access")


def missing_permissions() -> ApiError:
    """Say that it may not be done by who asks."""
    return ApiError(403, 50013, "Missing Permissions")


def unknown_channel() -> ApiError:
    """Say that there is no such channel."""
    return ApiError(404, 10003, "Unknown Channel")


def unknown_guild() -> ApiError:
    """Say that there is no such guild."""
    return ApiError(404, 10004, "Unknown Guild")


def unknown_member() -> ApiError:
    """Say that nobody of that id is in the guild."""
    return ApiError(404, 10007, "Unknown Member")


def unknown_user() -> ApiError:
    """Say that there is no account of that id."""
    return ApiError(404, 10013, "Unknown User")


def unknown_overwrite() -> ApiError:
    """Say that the channel has no overwrite for that id."""
    return ApiError(404, 10009, "Unknown Overwrite")


def unknown_voice_state() -> ApiError:
    """Say that the member is in no voice channel."""
    return ApiError(404, 10065, "Unknown Voice State")


def not_in_voice() -> ApiError:
    """Say that who is to be moved or muted is in no voice channel."""
    return ApiError(400, 40032, "Target user is not connected to voice.")


def invalid_json() -> ApiError:
    """Say that the body isn't a JSON object."""
    return ApiError(400, 50109, "The request body contains invalid JSON.")


def invalid_field(name: str, code: str, message: str) -> ApiError:
    """Say that one field of the body or path has the wrong form."""
    errors = {name: {"_errors": [{"code": code, "message": message}]}}
    return ApiError(400, 50035, "Invalid Form Body", errors=errors)


def too_many_requests(retry_after: float, *, is_global: bool) -> ApiError:
    """Ask to wait ``retry_after`` seconds, on all routes if ``is_global``."""
    body: dict[str, Any] = {"retry_after": round(retry_after, 3), "global": is_global}
    return ApiError(429, 0, "You are being rate limited.", **body)
