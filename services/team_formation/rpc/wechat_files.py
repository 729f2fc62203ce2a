"""Files by which WeChat is told that a platform's official account may use our public host."""

from groupbuy.team_formation.v1 import wechat_files_pb2 as pb

from services.chassis.server import caller
from services.team_formation import translate
from services.team_formation.rpc.base import Context, Rpcs
from services.team_formation.store.wechat_files import FileRow
from services.team_formation.wechat.files import WeChatFiles


class WeChatFileRpcs(Rpcs):
    """Answers about files for WeChat."""

    async def PutWeChatFile(  # noqa: N802
        self, request: pb.PutWeChatFileRequest, _context: Context
    ) -> pb.PutWeChatFileResponse:
        """Set a file."""
        row = await self._files().put(caller(), request.name, request.content)
        return pb.PutWeChatFileResponse(file=_written(row))

    async def DeleteWeChatFile(  # noqa: N802
        self, request: pb.DeleteWeChatFileRequest, _context: Context
    ) -> pb.DeleteWeChatFileResponse:
        """Forget a file."""
        await self._files().delete(caller(), request.name)
        return pb.DeleteWeChatFileResponse()

    async def ListWeChatFiles(  # noqa: N802
        self, _request: pb.ListWeChatFilesRequest, _context: Context
    ) -> pb.ListWeChatFilesResponse:
        """List the platform's files."""
        return pb.ListWeChatFilesResponse(files=[_written(row) for row in await self._files().of(caller())])

    def _files(self) -> WeChatFiles:
        return WeChatFiles(self._desk.database, self._desk.clock)


def _written(row: FileRow) -> pb.WeChatFile:
    return pb.WeChatFile(name=row.name, content=row.content, created_at=translate.time(row.created_at))
