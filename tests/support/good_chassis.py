"""A good request for every RPC that all services have from the chassis."""

from google.protobuf.message import Message
from groupbuy.chassis.v1 import audit_internal_pb2 as audit
from groupbuy.chassis.v1 import export_pb2, standing_internal_pb2
from groupbuy.chassis.v1 import parked_internal_pb2 as parked

from tests.support.shops import Standing


def requests_of_chassis(there: Standing) -> list[Message]:
    """Give a good request for every RPC of the chassis, in no order."""
    topic, key = "groupbuy.team.v1", there.team
    return [
        parked.ListParkedKeysRequest(limit=5),
        parked.ListParkedMessagesRequest(topic=topic, key=key, limit=5),
        parked.RedriveKeyRequest(topic=topic, key=key),
        export_pb2.ListHeldRequest(
            platform_id=there.platform, member_id=there.shop.own("mei"), campaign_ids=[there.campaign]
        ),
        standing_internal_pb2.GetStandingRequest(platform_id=there.platform),
        audit.ListKeyUsesRequest(platform_id=there.platform),
        audit.ListChangesRequest(
            platform_id=there.platform, filter=audit.AuditFilter(rpc="PutChannel", subject="channel email"), limit=5
        ),
    ]
