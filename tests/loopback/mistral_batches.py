"""Mistral's `/v1/batch/jobs`."""

from __future__ import annotations

import json
from typing import Any

from tests.loopback.batches import BatchWork, Job, Line, LineResult, Phase, Problem
from tests.loopback.faults import Status
from tests.loopback.files import FileShelf
from tests.loopback.http import Disconnect, Request, Response, json_response

_PREFIX = "job-"
_STATUSES: dict[Phase, str] = {
    "waiting": "QUEUED",
    "running": "RUNNING",
    "done": "SUCCESS",
    "failed": "FAILED",
    "expired": "TIMEOUT_EXCEEDED",
    "cancelling": "CANCELLATION_REQUESTED",
    "cancelled": "CANCELLED",
}
_LIST_PARAMETERS = frozenset(
    ("page", "page_size", "model", "agent_id", "created_after", "created_by_me", "order_by")
)


class MistralJobs:
    """Answers for the jobs of Mistral's client."""

    def __init__(self, work: BatchWork, files: FileShelf) -> None:
        self._work = work
        self._files = files

    def handle(self, request: Request, parts: list[str]) -> Response | Disconnect | None:
        """Answer a request for the jobs, None where the API has no such path."""
        match request.method, parts:
            case "POST", []:
                return self._create(json.loads(request.body))
            case "GET", []:
                return json_response(self._list(request.query))
        job = self._work.find(parts[0]) if parts else None
        if job is None:
            return Status(404, message=f"no such job: {parts[:1]}").response()
        match request.method, parts[1:]:
            case "GET", []:
                inline = request.query.get("inline") == "true"
                return json_response(self._show(job, inline=inline))
            case "POST", ["cancel"]:
                self._work.cancel(job)
                return json_response(self._show(job))
        return None

    def _create(self, body: dict[str, Any]) -> Response | Disconnect:
        file_ids, requests = body.get("input_files") or [], body.get("requests") or []
        missing = [file_id for file_id in file_ids if file_id not in self._files]
        if missing:
            return Status(404, message=f"no such input files: {missing}").response()
        if bool(file_ids) == bool(requests):
            return Status(422, message="give either input_files or requests").response()
        lines, problems = [], []
        for number, text in enumerate(self._texts(file_ids, requests), start=1):
            try:
                lines.append(_read_line(text, number, body.get("model")))
            except (ValueError, LookupError, TypeError) as error:
                problems.append(Problem("invalid", number, f"not a request: {error!r}"))
        job = self._work.create(
            _PREFIX,
            body["endpoint"],
            lines,
            input_files=file_ids,
            model=body.get("model"),
            metadata=body.get("metadata"),
            problems=problems,
        )
        return Disconnect() if self._work.loses_this_answer() else json_response(self._show(job))

    def _texts(self, file_ids: list[str], requests: list[dict[str, Any]]) -> list[bytes]:
        texts = [json.dumps(request).encode() for request in requests]
        for file_id in file_ids:
            texts += [text for text in self._files[file_id].content.splitlines() if text.strip()]
        return texts

    def _list(self, query: dict[str, str]) -> dict[str, Any]:
        """Parameters which the API does not know are a filter on the metadata."""
        wanted = {n: v for n, v in query.items() if n not in _LIST_PARAMETERS and n != "status"}
        jobs = [
            job
            for job in self._work.jobs(_PREFIX)
            if wanted.items() <= (job.metadata or {}).items()
            and query.get("model", job.model) == job.model
            and query.get("status", _STATUSES[job.phase]) == _STATUSES[job.phase]
        ]
        if query.get("order_by") == "created":
            jobs.reverse()
        size = int(query.get("page_size", "100"))
        start = int(query.get("page", "0")) * size
        page = [self._show(job) for job in jobs[start : start + size]]
        return {"object": "list", "total": len(jobs), "data": page}

    def _show(self, job: Job, *, inline: bool = False) -> dict[str, Any]:
        if job.results and job.phase != "cancelling" and not (job.output_file or job.error_file):
            self._write_files(job)
        finished = [result for result in job.results if result.status is not None]
        return {
            "id": job.id,
            "object": "batch",
            "input_files": job.input_files,
            "endpoint": job.endpoint,
            "model": job.model,
            "agent_id": None,
            "metadata": job.metadata,
            "errors": [{"message": wrong.message, "count": 1} for wrong in job.problems]
            if job.phase == "failed"
            else [],
            "status": _STATUSES[job.phase],
            "output_file": job.output_file,
            "error_file": job.error_file,
            "outputs": [_show_line(job, result) for result in finished] if inline else None,
            "created_at": job.created,
            "started_at": None if job.phase == "waiting" else job.created,
            "completed_at": job.ended,
            "total_requests": len(job.lines),
            "completed_requests": len(finished),
            "succeeded_requests": job.succeeded,
            "failed_requests": len(finished) - job.succeeded,
        }

    def _write_files(self, job: Job) -> None:
        """Lines that were not reached are in no file."""
        for name, succeeded in (("output", True), ("error", False)):
            lines = [
                json.dumps(_show_line(job, result)).encode() + b"\n"
                for result in job.results
                if result.status is not None and (result.status == 200) == succeeded
            ]
            if lines:
                file = self._files.write(f"{job.id}_{name}.jsonl", "batch_result", b"".join(lines))
                setattr(job, f"{name}_file", file.id)


def _read_line(text: bytes, number: int, model: str | None) -> Line:
    line = json.loads(text)
    body = dict(line["body"])
    if model is not None:
        body.setdefault("model", model)
    return Line(str(line.get("custom_id") or number), body)


def _show_line(job: Job, result: LineResult) -> dict[str, Any]:
    return {
        "id": f"{job.id}-{result.custom_id}",
        "custom_id": result.custom_id,
        "response": {"status_code": result.status, "body": result.body},
        "error": None,
    }
