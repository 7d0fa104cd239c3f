"""OpenAI's `/v1/batches`."""

from __future__ import annotations

import json
from typing import Any

from tests.loopback.batches import BatchWork, Job, Line, LineResult, Phase, Problem
from tests.loopback.faults import Status
from tests.loopback.files import FileShelf, page_after
from tests.loopback.http import Disconnect, Request, Response, json_response

_PREFIX = "batch_"
_STATUSES: dict[Phase, str] = {
    "waiting": "validating",
    "running": "in_progress",
    "done": "completed",
    "failed": "failed",
    "expired": "expired",
    "cancelling": "cancelling",
    "cancelled": "cancelled",
}
_DAY = 86_400


class OpenAIBatches:
    """Answers for the jobs of OpenAI's clients."""

    def __init__(self, work: BatchWork, files: FileShelf) -> None:
        self._work = work
        self._files = files

    def handle(self, request: Request, parts: list[str]) -> Response | Disconnect | None:
        """Answer a request for the jobs, None where the API has no such path."""
        match request.method, parts:
            case "POST", []:
                return self._create(json.loads(request.body))
            case "GET", []:
                jobs = [self._show(job) for job in self._work.jobs(_PREFIX)]
                return json_response(page_after(jobs, request.query))
        job = self._work.find(parts[0]) if parts else None
        if job is None:
            return Status(404, message=f"no such batch: {parts[:1]}").response()
        match request.method, parts[1:]:
            case "GET", []:
                return json_response(self._show(job))
            case "POST", ["cancel"]:
                self._work.cancel(job)
                return json_response(self._show(job))
        return None

    def _create(self, body: dict[str, Any]) -> Response | Disconnect:
        endpoint, file_id = body["endpoint"], body["input_file_id"]
        if file_id not in self._files:
            return Status(400, message=f"no such input file: {file_id}").response()
        if body["completion_window"] != "24h":
            return Status(400, message="completion_window is not 24h").response()
        lines, problems = _read_lines(self._files[file_id].content, endpoint)
        job = self._work.create(
            _PREFIX,
            endpoint,
            lines,
            input_files=[file_id],
            model=lines[0].body.get("model") if lines else None,
            metadata=body.get("metadata"),
            problems=problems,
        )
        return Disconnect() if self._work.loses_this_answer() else json_response(self._show(job))

    def _show(self, job: Job) -> dict[str, Any]:
        if job.results and job.phase != "cancelling" and not (job.output_file or job.error_file):
            self._write_files(job)
        errors = [
            {"code": wrong.code, "line": wrong.line, "message": wrong.message, "param": None}
            for wrong in job.problems
        ]
        status = _STATUSES[job.phase]
        return {
            "id": job.id,
            "object": "batch",
            "endpoint": job.endpoint,
            "model": job.model,
            "errors": {"object": "list", "data": errors} if job.phase == "failed" else None,
            "input_file_id": job.input_files[0],
            "completion_window": "24h",
            "status": status,
            "output_file_id": job.output_file,
            "error_file_id": job.error_file,
            "created_at": job.created,
            "in_progress_at": None if job.phase in ("waiting", "failed") else job.created,
            "expires_at": job.created + _DAY,
            "finalizing_at": job.ended if status == "completed" else None,
            "completed_at": job.ended if status == "completed" else None,
            "failed_at": job.ended if status == "failed" else None,
            "expired_at": job.ended if status == "expired" else None,
            "cancelling_at": job.created if status in ("cancelling", "cancelled") else None,
            "cancelled_at": job.ended if status == "cancelled" else None,
            "request_counts": {
                "total": 0 if job.phase in ("waiting", "failed") else len(job.lines),
                "completed": job.succeeded,
                "failed": job.failed,
            },
            "metadata": job.metadata,
        }

    def _write_files(self, job: Job) -> None:
        answered = [_show_line(job, result) for result in job.results if result.status == 200]
        others = [_show_line(job, result) for result in job.results if result.status != 200]
        if answered:
            name = f"{job.id}_output.jsonl"
            job.output_file = self._files.write(name, "batch_output", b"".join(answered)).id
        if others:
            name = f"{job.id}_error.jsonl"
            job.error_file = self._files.write(name, "batch_output", b"".join(others)).id


def _show_line(job: Job, result: LineResult) -> bytes:
    request_id = f"{job.id}_{result.custom_id}"
    response = error = None
    if result.status is None:
        message = "the job ended before this request was reached"
        error = {"code": result.reason, "message": message}
    else:
        response = {"status_code": result.status, "request_id": request_id, "body": result.body}
    line = {
        "id": f"batch_req_{request_id}",
        "custom_id": result.custom_id,
        "response": response,
        "error": error,
    }
    return json.dumps(line).encode() + b"\n"


def _read_lines(content: bytes, endpoint: str) -> tuple[list[Line], list[Problem]]:
    lines: dict[str, Line] = {}
    problems = []
    for number, text in enumerate(content.splitlines(), start=1):
        if not text.strip():
            continue
        try:
            line = json.loads(text)
            custom_id, method, url, body = (line[n] for n in ("custom_id", "method", "url", "body"))
        except (ValueError, LookupError, TypeError) as error:
            problems.append(Problem("invalid_json_line", number, f"not a request: {error!r}"))
            continue
        if custom_id in lines:
            message = f"the custom_id {custom_id!r} is not unique"
            problems.append(Problem("duplicate_custom_id", number, message))
        elif (method, url) != ("POST", endpoint):
            message = f"{method} {url} is not POST {endpoint}"
            problems.append(Problem("mismatched_endpoint", number, message))
        else:
            lines[custom_id] = Line(custom_id, body)
    if not lines and not problems:
        problems.append(Problem("empty_file", 1, "the file has no requests"))
    return list(lines.values()), problems
