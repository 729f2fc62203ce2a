"""Answers about consumer groups to those who look at them from outside: list, describe, delete."""

from kafka.protocol.admin import DeleteGroupsResponse, DescribeGroupsResponse, ListGroupsResponse

from deploy.local.broker.errors import ErrorCode, Refused
from deploy.local.broker.groups.group import Group, State
from deploy.local.broker.groups.member import Member
from deploy.local.broker.protocol import Call, Message
from deploy.local.broker.state import Broker

_Described = DescribeGroupsResponse.DescribedGroup
_UNKNOWN_GROUP_STATE = "Dead"


async def list_groups(broker: Broker, call: Call) -> Message:
    """All groups, or those in one of the states asked for."""
    states = set(call.request.states_filter or ())
    groups = [
        ListGroupsResponse.ListedGroup(
            group_id=group.id, protocol_type=group.protocol_type, group_state=group.state.value
        )
        for group in broker.coordinator.groups.values()
        if not states or group.state.value in states
    ]
    return ListGroupsResponse(version=call.version, error_code=ErrorCode.NONE, groups=groups)


async def describe_groups(broker: Broker, call: Call) -> Message:
    """State, members and their shares."""
    groups = [_describe(name, broker.coordinator.groups.get(name)) for name in call.request.groups]
    return DescribeGroupsResponse(version=call.version, groups=groups)


def _describe(name: str, group: Group | None) -> Message:
    if group is None:
        return _Described(
            error_code=ErrorCode.NONE,
            group_id=name,
            group_state=_UNKNOWN_GROUP_STATE,
            protocol_type="",
            protocol_data="",
            members=[],
        )
    stable = group.state is State.STABLE
    return _Described(
        error_code=ErrorCode.NONE,
        group_id=name,
        group_state=group.state.value,
        protocol_type=group.protocol_type,
        protocol_data=group.protocol if stable else "",
        members=[_member(member, group.protocol if stable else "") for member in group.members.values()],
    )


def _member(member: Member, protocol: str) -> Message:
    return _Described.DescribedGroupMember(
        member_id=member.id,
        group_instance_id=member.instance,
        client_id=member.client_id,
        client_host=member.host,
        member_metadata=member.protocols.get(protocol, b""),
        member_assignment=member.assignment if protocol else b"",
    )


async def delete_groups(broker: Broker, call: Call) -> Message:
    """Groups without members, with their positions."""
    results = [_delete(broker, name) for name in call.request.groups_names]
    return DeleteGroupsResponse(version=call.version, results=results)


def _delete(broker: Broker, name: str) -> Message:
    code = ErrorCode.NONE
    try:
        broker.coordinator.delete(name)
    except Refused as refused:
        code = refused.code
    return DeleteGroupsResponse.DeletableGroupResult(group_id=name, error_code=code)
