"""Answers to the members of consumer groups: join, sync, heartbeat, leave."""

from kafka.protocol.consumer import HeartbeatResponse, JoinGroupResponse, LeaveGroupResponse, SyncGroupResponse

from deploy.local.broker.errors import ErrorCode, Refused
from deploy.local.broker.groups.group import Group, MemberIdRequired
from deploy.local.broker.groups.member import JoinAsk, Joined
from deploy.local.broker.protocol import Call, Message
from deploy.local.broker.state import Broker

_Left = LeaveGroupResponse.MemberResponse
# The first versions of requests that ...
_GIVES_ID_FIRST = 4  # ... let a new member be given its id before it joins (KIP-394)
_PROTOCOL_MAY_BE_NULL = 7
_MANY_LEAVE = 3  # ... let several members leave at once


async def join_group(broker: Broker, call: Call) -> Message:
    """Answered when all members have joined, or their time to do so is over."""
    try:
        joined = await broker.coordinator.group(call.request.group_id).join(_ask(call))
    except MemberIdRequired as required:
        return _not_joined(call, required.code, required.member_id)
    except Refused as refused:
        return _not_joined(call, refused.code, call.request.member_id)
    return _joined(call, joined)


def _ask(call: Call) -> JoinAsk:
    request = call.request
    session_s = request.session_timeout_ms / 1000
    return JoinAsk(
        member_id=request.member_id,
        instance=request.group_instance_id,
        client_id=call.client_id,
        host=f"/{call.peer}",
        session_s=session_s,
        rebalance_s=request.rebalance_timeout_ms / 1000 if call.version >= 1 else session_s,
        protocol_type=request.protocol_type,
        protocols={protocol.name: bytes(protocol.metadata) for protocol in request.protocols},
        takes_id=call.version >= _GIVES_ID_FIRST,
    )


def _joined(call: Call, joined: Joined) -> Message:
    members = [
        JoinGroupResponse.JoinGroupResponseMember(member_id=member, group_instance_id=instance, metadata=metadata)
        for member, instance, metadata in joined.members
    ]
    return JoinGroupResponse(
        version=call.version,
        error_code=ErrorCode.NONE,
        generation_id=joined.generation,
        protocol_type=joined.protocol_type,
        protocol_name=joined.protocol,
        leader=joined.leader,
        member_id=joined.member_id,
        members=members,
    )


def _not_joined(call: Call, code: ErrorCode, member_id: str) -> Message:
    return JoinGroupResponse(
        version=call.version,
        error_code=code,
        generation_id=-1,
        protocol_type=None,
        protocol_name=None if call.version >= _PROTOCOL_MAY_BE_NULL else "",
        leader="",
        member_id=member_id,
        members=[],
    )


async def sync_group(broker: Broker, call: Call) -> Message:
    """Answered when the leader has divided the partitions."""
    request = call.request
    group = broker.coordinator.group(request.group_id)
    shares = {share.member_id: bytes(share.assignment) for share in request.assignments}
    try:
        share = await group.sync(request.member_id, request.group_instance_id, request.generation_id, shares)
    except Refused as refused:
        return SyncGroupResponse(version=call.version, error_code=refused.code, assignment=b"")
    return SyncGroupResponse(
        version=call.version,
        error_code=ErrorCode.NONE,
        protocol_type=group.protocol_type,
        protocol_name=group.protocol,
        assignment=share,
    )


async def heartbeat(broker: Broker, call: Call) -> Message:
    """Answered at once; an error tells the member to join again."""
    request = call.request
    code = ErrorCode.NONE
    try:
        group = broker.coordinator.group(request.group_id)
        group.heartbeat(request.member_id, request.group_instance_id, request.generation_id)
    except Refused as refused:
        code = refused.code
    return HeartbeatResponse(version=call.version, error_code=code)


async def leave_group(broker: Broker, call: Call) -> Message:
    """Members go at once, so that the others need not wait for their sessions to end."""
    group = broker.coordinator.group(call.request.group_id)
    if call.version < _MANY_LEAVE:
        code = _leave(group, call.request.member_id, None).error_code
        return LeaveGroupResponse(version=call.version, error_code=code)
    members = [_leave(group, member.member_id, member.group_instance_id) for member in call.request.members]
    return LeaveGroupResponse(version=call.version, error_code=ErrorCode.NONE, members=members)


def _leave(group: Group, member_id: str, instance: str | None) -> Message:
    try:
        member_id = group.leave(member_id, instance)
    except Refused as refused:
        return _Left(member_id=member_id, group_instance_id=instance, error_code=refused.code)
    return _Left(member_id=member_id, group_instance_id=instance, error_code=ErrorCode.NONE)
