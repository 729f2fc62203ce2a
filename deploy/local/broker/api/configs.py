"""Answers to administrators about configurations: describe, alter, alter one by one."""

from kafka.protocol.admin import AlterConfigsResponse, DescribeConfigsResponse, IncrementalAlterConfigsResponse

from deploy.local.broker.configs import DEFAULTS
from deploy.local.broker.errors import ErrorCode, Refused
from deploy.local.broker.protocol import Call, Message
from deploy.local.broker.state import NODE_ID, Broker

_TOPIC, _BROKER = 2, 4  # kinds of resources
_SET_FOR_TOPIC, _STATIC, _DEFAULT = 1, 4, 5  # where a value comes from
_SET, _DELETE, _APPEND = 0, 1, 2  # operations; the remaining one takes items out of a list
_Result = DescribeConfigsResponse.DescribeConfigsResult


async def describe_configs(broker: Broker, call: Call) -> Message:
    """All configs of topics with their values and whether they were set; some of the broker's."""
    results = [_describe(broker, resource) for resource in call.request.resources]
    return DescribeConfigsResponse(version=call.version, results=results)


def _describe(broker: Broker, resource: Message) -> Message:
    kind, name = resource.resource_type, resource.resource_name
    try:
        values = _values(broker, kind, name)
    except Refused as refused:
        return _Result(
            error_code=refused.code, error_message=refused.why, resource_type=kind, resource_name=name, configs=[]
        )
    wanted = resource.configuration_keys
    configs = [
        _Result.DescribeConfigsResourceResult(
            name=key, value=value, read_only=kind == _BROKER, config_source=source, is_sensitive=False, synonyms=[]
        )
        for key, (value, source) in values.items()
        if wanted is None or key in wanted
    ]
    return _Result(
        error_code=ErrorCode.NONE, error_message=None, resource_type=kind, resource_name=name, configs=configs
    )


def _values(broker: Broker, kind: int, name: str) -> dict[str, tuple[str, int]]:
    if kind == _TOPIC:
        defaults = {key: (value, _DEFAULT) for key, value in DEFAULTS.items()}
        return defaults | {
            key: (value, _SET_FOR_TOPIC) for key, value in broker.topics.existing(name).configs.given.items()
        }
    if kind == _BROKER and name in (str(NODE_ID), ""):
        return {
            "auto.create.topics.enable": (str(broker.auto_create).lower(), _STATIC),
            "num.partitions": (str(broker.topics.default_partitions), _STATIC),
            "default.replication.factor": ("1", _STATIC),
        }
    raise Refused(ErrorCode.INVALID_REQUEST, f"the local broker has no configs of kind {kind} for {name!r}")


async def alter_configs(broker: Broker, call: Call) -> Message:
    """Put new values in the place of all that was set."""
    check = call.request.validate_only
    responses = [
        _alter(AlterConfigsResponse, broker, resource, {one.name: one.value for one in resource.configs}, check)
        for resource in call.request.resources
    ]
    return AlterConfigsResponse(version=call.version, responses=responses)


async def incremental_alter_configs(broker: Broker, call: Call) -> Message:
    """Change single values and leave the others."""
    check = call.request.validate_only
    responses = [
        _alter(IncrementalAlterConfigsResponse, broker, resource, _changed(broker, resource), check)
        for resource in call.request.resources
    ]
    return IncrementalAlterConfigsResponse(version=call.version, responses=responses)


def _changed(broker: Broker, resource: Message) -> dict[str, str]:
    """What is set for a topic once the operations of a request are done."""
    topic = broker.topics.find(resource.resource_name)
    values = dict(topic.configs.given) if topic else {}
    for config in resource.configs:
        if config.config_operation == _SET:
            values[config.name] = config.value
        elif config.config_operation == _DELETE:
            values.pop(config.name, None)
        else:
            values[config.name] = _edit_list(config, values.get(config.name, DEFAULTS.get(config.name, "")))
    return values


def _edit_list(config: Message, before: str) -> str:
    items = [item for item in before.split(",") if item]
    edited = [item for item in config.value.split(",") if item]
    if config.config_operation == _APPEND:
        return ",".join([*items, *(item for item in edited if item not in items)])
    return ",".join(item for item in items if item not in edited)


def _alter(kind: Message, broker: Broker, resource: Message, values: dict[str, str], only_check: bool) -> Message:  # noqa: FBT001
    code, why = ErrorCode.NONE, None
    try:
        _require_topic(resource)
        broker.topics.configure(resource.resource_name, values, only_check=only_check)
    except Refused as refused:
        code, why = refused.code, refused.why
    return kind.AlterConfigsResourceResponse(
        error_code=code,
        error_message=why,
        resource_type=resource.resource_type,
        resource_name=resource.resource_name,
    )


def _require_topic(resource: Message) -> None:
    if resource.resource_type != _TOPIC:
        raise Refused(ErrorCode.INVALID_REQUEST, "the local broker changes the configs of topics only")
