"""The Hub's addresses, and the gate that every request goes through."""

from __future__ import annotations

from aiohttp import web
from aiohttp.typedefs import Middleware

from tests.hub.access import STORE, check_access
from tests.hub.api.commits import Commits
from tests.hub.api.control import Control
from tests.hub.api.files import Files
from tests.hub.api.large_files import LargeFiles
from tests.hub.api.pull_requests import PullRequests
from tests.hub.api.refs import Refs
from tests.hub.api.repositories import Repositories
from tests.hub.api.xet import Xet
from tests.hub.faults import Handler, Overtaken, answer
from tests.hub.server import FakeHub, name_in

_REPOSITORY = "/datasets/{owner}/{name}"
_API = f"/api{_REPOSITORY}"
_LFS = f"{_REPOSITORY}.git/info/lfs"


def runner(hub: FakeHub) -> web.AppRunner:
    """Return the Hub, ready to listen."""
    application = web.Application(middlewares=[_gate(hub)], client_max_size=2**30)
    application.add_routes(_routes(hub))
    # A timeout of 0 would wait for stalled requests for ever.
    return web.AppRunner(application, access_log=None, shutdown_timeout=0.05)


async def listen(hub: FakeHub, ready: web.AppRunner, port: int = 0) -> None:
    """Serve on a port, 0 for a free one, which the Hub then knows."""
    await ready.setup()
    await web.TCPSite(ready, "127.0.0.1", port).start()
    hub.port = ready.addresses[0][1]


def _gate(hub: FakeHub) -> Middleware:
    @web.middleware
    async def gate(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.match_info.http_exception is not None:
            raise request.match_info.http_exception
        if request.path.startswith("/_"):
            return await handler(request)
        action = request.match_info.handler.__name__
        hub.calls.append(action)
        repository = hub.repositories.get(name_in(request))
        check_access(request, action, repository)
        fault = hub.next_fault(request.method, action)
        if isinstance(fault, Overtaken) and repository is not None:
            revision = request.match_info.get("revision", "main")
            branch = revision if repository.takes_commits(revision) else "main"
            repository.commit("somebody else's", fault.files, revision=branch)
        return await answer(fault, request, handler)

    return gate


def _routes(hub: FakeHub) -> list[web.RouteDef]:
    repositories, commits, refs, files = Repositories(hub), Commits(hub), Refs(hub), Files(hub)
    large, xet, requests, control = LargeFiles(hub), Xet(hub), PullRequests(hub), Control(hub)
    return [
        web.get("/_state", control.state),
        web.post("/_fail", control.fail),
        web.get("/api/whoami-v2", repositories.whoami),
        web.post("/api/repos/create", repositories.create),
        web.delete("/api/repos/delete", repositories.delete),
        web.put(f"{_API}/settings", repositories.settings),
        web.get(_API, repositories.info),
        web.get(f"{_API}/revision/{{revision}}", repositories.info),
        web.post("/api/validate-yaml", commits.validate),
        web.post(f"{_API}/preupload/{{revision}}", commits.preupload),
        web.post(f"{_API}/commit/{{revision}}", commits.commit),
        web.get(f"{_API}/commits/{{revision}}", commits.history),
        web.get(f"{_API}/refs", refs.refs),
        web.post(f"{_API}/branch/{{branch}}", refs.branch),
        web.delete(f"{_API}/branch/{{branch}}", refs.delete_branch),
        web.post(f"{_API}/tag/{{revision}}", refs.tag),
        web.delete(f"{_API}/tag/{{revision}}", refs.delete_tag),
        web.get(f"{_API}/discussions", requests.discussions),
        web.get(f"{_API}/discussions/{{number:\\d+}}", requests.discussion),
        web.post(f"{_API}/discussions/{{number:\\d+}}/merge", requests.merge),
        web.get(f"{_API}/tree/{{revision}}", files.tree),
        web.get(f"{_API}/tree/{{revision}}/{{path:.*}}", files.tree),
        web.post(f"{_API}/paths-info/{{revision}}", files.paths),
        web.get(f"{_REPOSITORY}/resolve/{{revision}}/{{path:.+}}", files.resolve),
        web.get("/storage/{oid}", files.download),
        web.post(f"{_LFS}/objects/batch", large.batch),
        web.post(f"{_LFS}/verify", large.verify),
        web.put("/storage/{oid}", large.upload),
        web.put("/storage/{oid}/parts/{number}", large.part),
        web.post("/storage/{oid}", large.complete),
        web.get(f"{_API}/xet-read-token/{{revision}}", xet.read_token),
        web.get(f"{_API}/xet-write-token/{{revision}}", xet.write_token),
        web.get(f"{STORE}/v1/chunks/{{prefix}}/{{chunk}}", xet.known_chunk),
        web.post(f"{STORE}/v1/xorbs/{{prefix}}/{{xorb}}", xet.xorb),
        web.post(f"{STORE}/v1/shards", xet.shard),
        web.get(f"{STORE}/v1/reconstructions/{{file}}", xet.reconstruction),
        web.get("/storage/xorbs/{xorb}", xet.fetch),
    ]
